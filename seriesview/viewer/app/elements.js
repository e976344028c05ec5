/** @file Making elements. Texts become text nodes, never markup. */

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, any>} [properties] on...: listeners; those with a dash, role, for: attributes; else properties
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key.includes('-') || key === 'role' || key === 'for') element.setAttribute(key, value);
    else Object.assign(element, { [key]: value });
  }
  element.append(...children);
  return element;
}

/**
 * A button that shows a picture alone, with a name for those who do not see it.
 * @param {string} name
 * @param {string} path of an SVG drawn in lines in a square of 16
 * @param {(event: MouseEvent) => void} onclick
 * @param {Record<string, any>} [more]
 * @returns {HTMLButtonElement}
 */
export function iconButton(name, path, onclick, more = {}) {
  const properties = { type: 'button', className: 'icon', title: name, 'aria-label': name, onclick, ...more };
  return make('button', properties, icon(path));
}

/**
 * @param {string} path drawn in lines in a square of 16
 * @returns {SVGSVGElement}
 */
export function icon(path) {
  const space = 'http://www.w3.org/2000/svg';
  const picture = document.createElementNS(space, 'svg');
  picture.setAttribute('viewBox', '0 0 16 16');
  picture.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(space, 'path');
  line.setAttribute('d', path);
  picture.append(line);
  return picture;
}

/**
 * A canvas's context in CSS pixels; the canvas holds device pixels. What was drawn before is gone.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width device pixels
 * @param {number} height device pixels
 * @param {number} pixelRatio device pixels a CSS pixel
 * @returns {CanvasRenderingContext2D}
 */
export function clearCanvas(canvas, width, height, pixelRatio) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.style.width = `${width / pixelRatio}px`;
  canvas.style.height = `${height / pixelRatio}px`;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
  return context;
}

/** @type {Map<string, string>} */
const values = new Map();

/**
 * The value of a colour (or another custom property) of the style sheet.
 * @param {string} name such as --text
 * @returns {string}
 */
export function styleValue(name) {
  const value = values.get(name) ?? getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  values.set(name, value);
  return value;
}

/** After a change between light and dark. */
export function forgetStyle() {
  values.clear();
}
