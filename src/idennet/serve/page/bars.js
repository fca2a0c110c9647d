// Action Units as bars, each with its name, its movement and what its reading rests on.

import { el, percent } from "./dom.js";

const EVIDENCE = {
  "tested on photographs": ["photographs", "Its reading was tested on photographs."],
  "taught by photographs": ["taught", "Photographs were among its teachers, but none tested it."],
  "renderings only": ["renderings", "It was learnt from rendered faces; nothing is known about photographs."],
};
const ONE_SIDED_FROM = 1, ONE_SIDED_TIMES = 3, MOST_YAW_OF_SIDES = 20; // as in inference/face.py
const RAW_THRESHOLD = 0.5; // thresholds of weights are about calibrated values
const UNRELIABLE = "These weights read it too poorly to rely on.";

/** Values of a face: {AU12: probability}, null where its part is hidden; null where the server did not send them. */
export function valuesOf(face, kind) {
  if (kind === "read") return Object.fromEntries(Object.entries(face.aus).map(([au, of]) => [au, of.probability]));
  if (kind === "zeroed") return face.zeroed && Object.fromEntries(Object.entries(face.zeroed.aus).map(([au, of]) => [au, of.probability]));
  return face.inside?.[kind] ?? null;
}

/** Action Units that are hidden in one of the faces. */
export const unseen = (...faces) =>
  Object.keys(faces[0].aus).filter(au => faces.some(face => face.aus[au].probability === null));

/** A list of bars that is built once and updated in place, so that open rows stay open. */
export class Bars {
  constructor(home, aus) {
    this.home = home;
    this.rows = new Map(aus.map(au => [au.au, row(au)]));
    home.replaceChildren(...Array.from(this.rows.values(), each => each.element));
  }

  /** Show a face: what is most probable first, or in the order of the Action Units, so that nothing jumps. */
  show(face, kind, sort) {
    const values = valuesOf(face, kind) ?? valuesOf(face, "read");
    const compared = kind === "read" ? null : valuesOf(face, "read");
    for (const [au, parts] of this.rows) {
      const { reliable } = face.aus[au], threshold = kind === "raw" ? RAW_THRESHOLD : face.aus[au].threshold;
      const value = values[au], hidden = value === null;
      const present = !hidden && value >= threshold;
      parts.element.classList.toggle("present", present);
      parts.element.classList.toggle("unseen", hidden);
      parts.bar.style.width = `${100 * value}%`;
      parts.value.textContent = hidden ? "hidden" : percent(value);
      parts.said.textContent = present ? ", present" : "";
      parts.side.textContent = present ? side(face.aus[au], face.pose) : "";
      parts.strength.textContent = hidden ? "Its part of the face is covered, so nothing is said of it." : present ? strength(face.aus[au]) : "";
      parts.tick.hidden = hidden;
      parts.tick.style.left = `${100 * threshold}%`;
      parts.other.hidden = !compared || hidden || Math.abs(compared[au] - value) < 0.005;
      if (compared) parts.other.style.left = `calc(${100 * compared[au]}% - 1px)`;
      parts.order = [hidden ? 2 : present ? 0 : 1, reliable ? 0 : 1, -value];
    }
    const by = (a, b) => a.order[0] - b.order[0] || a.order[1] - b.order[1] || a.order[2] - b.order[2];
    const rows = Array.from(this.rows.values());
    const elements = (sort ? rows.sort(by) : rows).map(each => each.element);
    if (elements.some((element, at) => element !== this.home.children[at])) this.home.replaceChildren(...elements);
  }
}

/** How strong, "3.2 C", and on which side alone, as in docs/outputs.md; "" where the weights do not say. */
function side({ intensity, left, right }, pose) {
  if (intensity === undefined) return "";
  const [weak, strong] = left === undefined ? [0, 0] : [Math.min(left, right), Math.max(left, right)];
  const turned = Math.abs(pose?.yaw ?? 0) > MOST_YAW_OF_SIDES;
  const only = !turned && strong >= ONE_SIDED_FROM && ONE_SIDED_TIMES * weak < strong ? left > right ? ", left only" : ", right only" : "";
  return `${intensity.toFixed(1)} ${"-ABCDE"[Math.round(Math.min(intensity, 5))]}${only}`;
}

function strength({ intensity, left, right }) {
  if (intensity === undefined) return "";
  const sides = left === undefined ? "" : `; on the person's own left ${left.toFixed(1)}, right ${right.toFixed(1)}`;
  return `Strength ${intensity.toFixed(1)} of 5${sides}.`;
}

function row(au) {
  const [grade, sentence] = EVIDENCE[au.evidence] ?? ["photographs", "Nothing is known of how well it is read."];
  const bar = el("i", { class: `bar ${grade}` });
  const tick = el("i", { class: "tick" }), other = el("i", { class: "tick other", hidden: true });
  const value = el("span"), said = el("span", { class: "skip" });
  const side = el("small"), strength = el("p", { class: "quiet" });
  const picture = el("img", { loading: "lazy", alt: "", src: `/movements/${au.au}.webp`, width: 388, height: 192 });
  const element = el("details", { class: "au" },
    el("summary", {},
      el("span", { class: "code" }, `${au.reliable ? "" : "~"}${au.au}`),
      el("span", { class: "name" }, au.name, " ", side),
      el("span", { class: "track", "aria-hidden": "true" }, bar, tick, other),
      el("span", { class: "value" }, value, said)),
    el("div", { class: "explained" }, picture,
      el("div", {}, el("p", {}, au.movement), strength,
        el("p", { class: "quiet" }, au.reliable ? sentence : `${sentence} ${UNRELIABLE}`))));
  return { element, bar, tick, other, value, said, side, strength, order: [] };
}

/** How two faces differ where both can be seen, the largest difference of logits first. */
export function differences(from, to, aus) {
  const logit = p => Math.log(Math.min(Math.max(p, 1e-4), 1 - 1e-4) / (1 - Math.min(Math.max(p, 1e-4), 1 - 1e-4)));
  const most = 9.2;
  return aus.filter(au => !unseen(from, to).includes(au.au)).map(au => {
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
