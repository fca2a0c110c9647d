// Action Units as bars, each with its name, its movement and what its reading rests on.

import { el, percent } from "./dom.js";

const EVIDENCE = {
  "tested on photographs": ["photographs", "Its reading was tested on photographs."],
  "taught by photographs": ["taught", "Photographs were among its teachers, but none tested it."],
  "renderings only": ["renderings", "It was learnt from rendered faces; nothing is known about photographs."],
};
const UNRELIABLE = "These weights read it too poorly to rely on.";

/** Values of a face: {AU12: probability}; null where the server did not send them. */
export function valuesOf(face, kind) {
  if (kind === "read") return Object.fromEntries(Object.entries(face.aus).map(([au, of]) => [au, of.probability]));
  if (kind === "zeroed") return face.zeroed && Object.fromEntries(Object.entries(face.zeroed.aus).map(([au, of]) => [au, of.probability]));
  return face.inside?.[kind] ?? null;
}

/** A list of bars that is built once and updated in place, so that open rows stay open. */
export class Bars {
  constructor(home, aus) {
    this.home = home;
    this.rows = new Map(aus.map(au => [au.au, row(au)]));
    home.replaceChildren(...Array.from(this.rows.values(), each => each.element));
  }

  show(face, kind, sort = true) {
    const values = valuesOf(face, kind) ?? valuesOf(face, "read");
    const compared = kind === "unsubtracted" || kind === "zeroed" ? valuesOf(face, "read") : null;
    for (const [au, parts] of this.rows) {
      const { threshold, reliable } = face.aus[au];
      const value = values[au], present = kind === "raw" ? face.aus[au].present : value >= threshold;
      parts.element.classList.toggle("present", present);
      parts.bar.style.width = `${100 * value}%`;
      parts.value.textContent = percent(value);
      parts.said.textContent = present ? ", present" : "";
      parts.tick.hidden = kind === "raw";
      parts.tick.style.left = `${100 * threshold}%`;
      parts.other.hidden = !compared || Math.abs(compared[au] - value) < 0.005;
      if (compared) parts.other.style.left = `calc(${100 * compared[au]}% - 1px)`;
      parts.order = [face.aus[au].present ? 0 : 1, reliable ? 0 : 1, -face.aus[au].probability];
    }
    if (!sort) return;
    const by = (a, b) => a.order[0] - b.order[0] || a.order[1] - b.order[1] || a.order[2] - b.order[2];
    const sorted = Array.from(this.rows.values()).sort(by).map(each => each.element);
    if (sorted.some((element, at) => element !== this.home.children[at])) this.home.replaceChildren(...sorted);
  }
}

function row(au) {
  const [grade, sentence] = EVIDENCE[au.evidence] ?? ["photographs", "Nothing is known of how well it is read."];
  const bar = el("i", { class: `bar ${grade}` });
  const tick = el("i", { class: "tick" }), other = el("i", { class: "tick other", hidden: true });
  const value = el("span", { class: "value" }), said = el("span", { class: "skip" });
  const picture = el("img", { loading: "lazy", alt: "", src: `/movements/${au.au}.webp`, width: 388, height: 192 });
  const element = el("details", { class: "au" },
    el("summary", {},
      el("span", { class: "code" }, `${au.reliable ? "" : "~"}${au.au}`),
      el("span", { class: "name" }, au.name),
      el("span", { class: "track", "aria-hidden": "true" }, bar, tick, other),
      el("span", {}, value, said)),
    el("div", { class: "explained" }, picture,
      el("div", {}, el("p", {}, au.movement),
        el("p", { class: "quiet" }, au.reliable ? sentence : `${sentence} ${UNRELIABLE}`))));
  value.parentElement.classList.add("value");
  return { element, bar, tick, other, value, said, order: [] };
}

/** How two faces differ, the largest difference of logits first. */
export function differences(from, to, aus) {
  const logit = p => Math.log(Math.min(Math.max(p, 1e-4), 1 - 1e-4) / (1 - Math.min(Math.max(p, 1e-4), 1 - 1e-4)));
  const most = 9.2;
  return aus.map(au => {
    const [a, b] = [from.aus[au.au].probability, to.aus[au.au].probability];
    return { au, a, b, moved: logit(b) - logit(a) };
  }).sort((one, other) => Math.abs(other.moved) - Math.abs(one.moved)).map(({ au, a, b, moved }) => {
    const bar = el("i", { class: moved < 0 ? "bar less" : "bar" });
    const width = Math.min(50 * Math.abs(moved) / most, 50);
    bar.style.width = `${width}%`;
    bar.style.left = `${moved < 0 ? 50 - width : 50}%`;
    return el("li", { class: "difference" },
      el("span", {}, `${au.reliable ? "" : "~"}${au.au}`), el("span", { class: "name" }, au.name),
      el("span", { class: "track", "aria-hidden": "true" }, bar),
      el("span", { class: "value" }, `${percent(a)} → ${percent(b)}`));
  });
}
