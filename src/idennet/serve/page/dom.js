// Building the page.

export const $ = id => document.getElementById(id);

/** An element: el("p", {class: "quiet"}, "text", child, ...). Functions become listeners; null is left out. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key, value);
    else if (key in element && typeof value === "boolean") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined));
  return element;
}

const FOCUSABLE = "a, button, input, select, summary";

/** Replace the children of an element; the keyboard stays where it was. */
export function fill(home, ...children) {
  const at = [...home.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
  home.replaceChildren(...children);
  if (at >= 0) home.querySelectorAll(FOCUSABLE)[at]?.focus();
}

export const percent = value => `${Math.round(100 * value)} %`;

/** A time of a clip: "2.7 s"; of one of a minute and more "1:05". */
export function clock(seconds, end = seconds) {
  if (end < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function save(name, type, ...parts) {
  const link = el("a", { href: URL.createObjectURL(new Blob(parts, { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
