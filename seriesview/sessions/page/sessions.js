/** @file The index of sessions: a table that sorts and filters itself. */

/**
 * @typedef {{id: string, label: string, values: Record<string, string | null>, state: string, cause: string | null,
 *   notes: string[], streams: string[], expected: string[], seconds: number | null, mismatch: number | null,
 *   gaps: number | null, gap_seconds: number | null, channels: number, clipped: number | null,
 *   clipped_channel: string | null, bad: string[], units: number | null,
 *   raw: string | null, raw_bytes: number, raw_files: number, owner: string | null, view_bytes: number,
 *   view_files: number, workspace: string | null, page: string | null, picture: string | null}} Session
 * @typedef {{label: string, sessions: Session[]}} Index
 * @typedef {{name: string, title: string, about: string, of: (session: Session) => string | number | null,
 *   text?: (session: Session) => string, isNumber?: boolean}} Column
 */

const ROWS_AT_ONCE = 200;
const KINDS = ['kB', 'MB', 'GB', 'TB'];
const OWN = ['date', 'owner'];
// Made once: each takes longer than what it is asked for, of which there are thousands.
const WORDS = new Intl.Collator('en', { numeric: true });
const COUNTS = new Intl.NumberFormat('en');

/**
 * The columns of some sessions: what their wildcards name stands behind the id.
 * @param {Session[]} sessions
 * @returns {Column[]}
 */
export function columnsOf(sessions) {
  const named = new Set(sessions.flatMap((each) => Object.keys(each.values)));
  /** @type {Column[]} */
  const own = [...named]
    .filter((name) => !OWN.includes(name))
    .map((name) => ({ name, title: name, about: `{${name}}`, of: (each) => each.values[name] ?? null }));
  return [
    { name: 'session', title: 'session', about: 'its id and label', of: (each) => each.id },
    ...own,
    { name: 'date', title: 'date', about: 'a wildcard, else when it began', of: (each) => each.values.date ?? null },
    { name: 'state', title: 'state', about: 'whether it is built, and why not', of: (each) => each.state },
    {
      name: 'streams',
      title: 'streams',
      about: 'found, of those that are expected',
      of: (each) => each.streams.length,
      text: (each) => `${each.streams.length} of ${new Set([...each.expected, ...each.streams]).size}`,
      isNumber: true,
    },
    number('duration', 'duration', 'of its longest series', (each) => each.seconds, duration),
    number('mismatch', 'mismatch', 'how much shorter its shortest series is', (each) => each.mismatch, duration),
    number(
      'gaps',
      'gaps',
      'of the series that lacks most',
      (each) => each.gaps,
      undefined,
      (each) => (each.gaps ? `${each.gaps} (${duration(each.gap_seconds ?? 0)})` : `${each.gaps ?? ''}`),
    ),
    number('channels', 'channels', 'of all series of samples', (each) => each.channels),
    number(
      'clipped',
      'clipped',
      'samples at the limits of the converter, of the channel that has most',
      (each) => each.clipped,
      undefined,
      (each) => (each.clipped ? `${percent(each.clipped)} (${each.clipped_channel})` : each.clipped === 0 ? '0' : ''),
    ),
    number(
      'bad',
      'bad',
      'channels that are marked as bad',
      (each) => each.bad.length,
      undefined,
      (each) => (each.bad.length ? `${each.bad.length}: ${each.bad.join(', ')}` : '0'),
    ),
    number('units', 'units', 'channels of events: units of a sorting, lines', (each) => each.units),
    {
      name: 'raw',
      title: 'raw data',
      about: 'whether the files that it was made of are there',
      of: (each) => each.raw,
    },
    number('size', 'raw size', 'of the files that it was made of', (each) => each.raw_bytes, bytes),
    number('files', 'raw files', 'how many there are', (each) => each.raw_files),
    number(
      'view',
      'views',
      'what is stored of it, samples that were copied included',
      (each) => each.view_bytes,
      bytes,
    ),
    number('artifacts', 'artifacts', 'files that are stored of it', (each) => each.view_files),
    { name: 'owner', title: 'owner', about: 'a wildcard, else whose files they are', of: ownerOf },
  ];
}

/**
 * @param {string} name
 * @param {string} title
 * @param {string} about
 * @param {(session: Session) => number | null} of
 * @param {((value: number) => string)} [words]
 * @param {(session: Session) => string} [text]
 * @returns {Column}
 */
function number(name, title, about, of, words = (value) => COUNTS.format(value), text) {
  const said = (/** @type {Session} */ each) => {
    const value = of(each);
    return value === null ? '' : words(value);
  };
  return { name, title, about, of, text: text ?? said, isNumber: true };
}

/** @param {Session} session */
function ownerOf(session) {
  return session.values.owner ?? session.owner;
}

/** @param {number} fraction */
function percent(fraction) {
  return `${Number((100 * fraction).toPrecision(2))} %`;
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 60) return `${Number(seconds.toPrecision(3))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** @param {number} count */
export function bytes(count) {
  if (count < 999.5) return `${count} B`;
  let kind = -1;
  while (count >= 999.5 && kind < KINDS.length - 1) {
    count /= 1000;
    kind += 1;
  }
  return `${Number(count.toPrecision(3))} ${KINDS[kind]}`;
}

/**
 * The sessions in which everything occurs that is looked for: words anywhere, or `gaps>0`, `subject:rat`, `state=failed`
 * of one column. Numbers are seconds and bytes.
 * @param {Session[]} sessions
 * @param {string} wanted
 * @param {Column[]} columns
 */
export function filtered(sessions, wanted, columns) {
  const tests = wanted
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => testOf(word, columns));
  return sessions.filter((each) => tests.every((test) => test(each)));
}

/**
 * @param {string} word
 * @param {Column[]} columns
 * @returns {(session: Session) => boolean}
 */
function testOf(word, columns) {
  const found = /^(\w+)(>=|<=|[:=<>])(.*)$/.exec(word);
  const column = found && columns.find((each) => each.name.toLowerCase() === found[1].toLowerCase());
  if (!found || !column) {
    const text = word.toLowerCase();
    return (each) => textOf(each, columns).includes(text);
  }
  const [, , how, text] = found;
  const limit = Number(text);
  const value = (/** @type {Session} */ each) => column.of(each);
  switch (how) {
    case ':':
      return (each) => `${value(each) ?? ''}`.toLowerCase().includes(text.toLowerCase());
    case '=':
      return (each) => `${value(each) ?? ''}`.toLowerCase() === text.toLowerCase();
    default:
      return (each) => {
        const is = value(each);
        if (is === null) return false;
        const [a, b] = typeof is === 'number' ? [is, limit] : [is, text];
        return how.startsWith('<') ? a < b || (how === '<=' && a === b) : a > b || (how === '>=' && a === b);
      };
  }
}

/** @type {WeakMap<Session, string>} */
const TEXTS = new WeakMap();

/**
 * All that is said of a session, in lines.
 * @param {Session} session
 * @param {Column[]} columns
 */
function textOf(session, columns) {
  let text = TEXTS.get(session);
  if (text === undefined) {
    const texts = columns.map((column) => column.text?.(session) ?? `${column.of(session) ?? ''}`);
    const all = [...texts, session.label, session.cause ?? '', ...session.streams, ...session.notes];
    text = all.join('\n').toLowerCase();
    TEXTS.set(session, text);
  }
  return text;
}

/**
 * The sessions in the order of a column, what is not known last in either direction; equal ones stay as they are.
 * @param {Session[]} sessions
 * @param {Column} column
 * @param {boolean} isDown
 */
export function sorted(sessions, column, isDown) {
  const sign = isDown ? -1 : 1;
  return [...sessions].sort((a, b) => {
    const [first, second] = [column.of(a), column.of(b)];
    if (first === null || second === null) return Number(first === null) - Number(second === null);
    if (typeof first === 'number' && typeof second === 'number') return sign * (first - second);
    return sign * WORDS.compare(`${first}`, `${second}`);
  });
}

/**
 * Show an index in a page.
 * @param {Index} index
 * @param {(session: Session) => string | null} linkOf where a session is looked at
 */
export function show(index, linkOf) {
  const columns = columnsOf(index.sessions);
  const search = /** @type {HTMLInputElement} */ (document.getElementById('search'));
  const table = /** @type {HTMLTableElement} */ (document.getElementById('sessions'));
  const body = table.createTBody();
  const head = table.createTHead().insertRow();
  const asked = new URLSearchParams(location.hash.slice(1));
  let by = columns.find((column) => column.name === asked.get('sort'));
  let isDown = asked.has('down');
  /** @type {Session[]} */
  let left = [];
  search.value = asked.get('find') ?? '';
  document.title = `${index.label}: sessions`;
  document.getElementsByTagName('h1')[0].textContent = index.label;

  head.append(document.createElement('th'));
  for (const column of columns) {
    const cell = document.createElement('th');
    const button = document.createElement('button');
    cell.scope = 'col';
    cell.className = column.isNumber ? 'number' : '';
    button.type = 'button';
    button.title = `${column.about}; sorts`;
    button.textContent = column.title;
    button.addEventListener('click', () => {
      isDown = by === column && !isDown;
      by = column;
      update();
    });
    cell.append(button);
    head.append(cell);
  }

  const more = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) addRows();
    },
    { rootMargin: '1000px' },
  );
  more.observe(/** @type {HTMLElement} */ (document.getElementById('more')));

  function addRows() {
    for (const session of left.splice(0, ROWS_AT_ONCE)) body.append(rowOf(session, columns, linkOf(session)));
  }

  function update() {
    const found = filtered(index.sessions, search.value, columns);
    left = by ? sorted(found, by, isDown) : found;
    body.replaceChildren();
    for (const [place, column] of columns.entries()) {
      head.cells[place + 1].ariaSort = column !== by ? 'none' : isDown ? 'descending' : 'ascending';
    }
    const bad = index.sessions.filter((each) => each.state !== 'built').length;
    const shown = found.length === index.sessions.length ? '' : `${found.length.toLocaleString('en')} of `;
    const all = `${index.sessions.length.toLocaleString('en')} session${index.sessions.length === 1 ? '' : 's'}`;
    /** @type {HTMLElement} */ (document.getElementById('count')).textContent =
      `${shown}${all}${bad ? `, ${bad.toLocaleString('en')} not whole` : ''}`;
    const state = new URLSearchParams();
    if (search.value) state.set('find', search.value);
    if (by) state.set('sort', by.name);
    if (isDown) state.set('down', '');
    history.replaceState(history.state, '', `${location.pathname}${location.search}${state.size ? `#${state}` : ''}`);
    addRows();
  }

  search.addEventListener('input', update);
  update();
}

/**
 * @param {Session} session
 * @param {Column[]} columns
 * @param {string | null} link
 */
function rowOf(session, columns, link) {
  const row = document.createElement('tr');
  row.className = session.state === 'built' ? '' : 'bad';
  const picture = row.insertCell();
  if (session.picture) {
    const image = document.createElement('img');
    image.loading = 'lazy';
    image.alt = '';
    image.src = session.picture;
    picture.append(linked(image, link));
  }
  for (const column of columns) {
    const cell = row.insertCell();
    const text = column.text?.(session) ?? `${column.of(session) ?? ''}`;
    cell.className = column.isNumber ? 'number' : column.name;
    if (column.name === 'session') {
      cell.append(linked(text, link));
      if (session.label !== session.id) cell.append(said(session.label));
    } else {
      cell.textContent = text;
    }
    if (column.name === 'state') {
      for (const line of [session.cause, ...session.notes]) if (line) cell.append(said(line));
      cell.title = [session.cause, ...session.notes].filter(Boolean).join('\n');
    }
    if (column.name === 'raw' && session.raw !== null && session.raw !== 'there') cell.classList.add('wrong');
    if (column.name === 'streams') {
      const lacking = session.expected.filter((name) => !session.streams.includes(name));
      cell.title = session.streams.join(', ');
      if (lacking.length) cell.append(said(`not ${lacking.join(', ')}`));
    }
  }
  return row;
}

/** @param {string} text */
function said(text) {
  const line = document.createElement('small');
  line.textContent = text;
  return line;
}

/**
 * @param {Node | string} what
 * @param {string | null} link
 */
function linked(what, link) {
  if (link === null) return what;
  const made = document.createElement('a');
  made.href = link;
  made.append(what);
  return made;
}
