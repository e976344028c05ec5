/** @file What eslint looks for; types are checked by tsc, the form by prettier. */

import js from '@eslint/js';
import globals from 'globals';

export default [
  { ignores: ['.venv/', 'node_modules/', 'docs/', 'results/', 'seriesview/workflow/'] },
  js.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.worker } },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none' }],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  // One after the other in one script: the first is called by the other two.
  {
    files: ['seriesview/share/files/*.js'],
    languageOptions: { sourceType: 'script', globals: { embeddedAnswer: 'writable' } },
    rules: { 'no-redeclare': 'off', 'no-unused-vars': 'off' },
  },
  { files: ['tests/viewer/**/*.js', '*.config.js'], languageOptions: { globals: globals.node } },
];
