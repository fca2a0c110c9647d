// What was loaded: faces, the identity switch, two faces compared, downloads.

import { differences, unseen, valuesOf } from "./bars.js";
import { $, el, fill, save } from "./dom.js";
import { choose, chooseClip } from "./stage.js";
import { called, faces, items, known, page } from "./state.js";

function thumbnail(one, more) {
  return el("button", { type: "button", class: "face", "aria-pressed": String(one === page.chosen), click: () => choose(one) },
    el("img", { src: one.face.inside?.crop ?? one.item.url, alt: "" }), el("b", {}, called(one)), more ? el("span", {}, more) : null);
}

export function drawTray() {
  const clips = items.filter(each => each.kind === "clip");
  $("tray").hidden = !faces.length && !clips.length;
  $("downloads-card").hidden = $("tray").hidden;
  fill($("faces"),
    ...faces.map(one => el("li", {}, thumbnail(one, one.item.name))),
    ...clips.map(one => el("li", {}, el("button", { type: "button", class: "face", "aria-pressed": String(one === page.item), click: () => chooseClip(one) },
      el("img", { src: one.poster ?? "/page/clip.svg", alt: "" }), el("b", {}, "Clip"), el("span", {}, one.name)))));
  for (const [select, other] of [[$("compare-a"), 0], [$("compare-b"), 1]]) {
    const before = select.dataset.chosen;
    select.replaceChildren(...faces.map((one, at) => el("option", { value: at }, `${one.item.name} · ${called(one)}`)));
    select.value = before && before < faces.length ? before : Math.min(other, faces.length - 1);
  }
  drawComparison();
  drawDownloads();
}

export function drawComparison() {
  const [a, b] = [faces[$("compare-a").value], faces[$("compare-b").value]];
  $("compare-card").hidden = faces.length < 2;
  if (!a || !b) return;
  const hidden = unseen(a.face, b.face);
  $("differences").replaceChildren(...a === b ? [el("p", { class: "quiet" }, "Choose two different faces.")] : [
    el("ul", {}, ...differences(a.face, b.face, known.aus).slice(0, 10)),
    el("p", { class: "quiet sides" }, "To the right: more in the second face; to the left: less."),
    hidden.length ? el("p", { class: "quiet" }, `Hidden in one of them, so not compared: ${hidden.join(", ")}.`) : ""]);
}

const dot = (a, b) => a.reduce((sum, value, at) => sum + value * b[at], 0);
const likeness = (a, b) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

function nearest(one, space) {
  return faces.filter(each => each !== one && each.face.inside?.[space])
    .map(each => ({ each, near: likeness(one.face.inside[space], each.face.inside[space]) }))
    .sort((a, b) => b.near - a.near).slice(0, 5);
}

export function drawSwitch(face) {
  $("switch-card").hidden = !face?.inside?.raw;
  if (!face?.inside?.raw || page.chosen?.face !== face) return;
  const [read, left] = [valuesOf(face, "read"), valuesOf(face, "unsubtracted")];
  const moved = Object.keys(read).filter(au => read[au] !== null).map(au => [au, read[au] - left[au]]).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const turned = moved.filter(([au]) => (left[au] >= face.aus[au].threshold) !== face.aus[au].present).map(([au]) => au);
  const [most, by] = moved[0] ?? ["nothing", 0];
  $("switch-says").textContent = `Subtraction changes ${most} most, by ${(100 * Math.abs(by)).toFixed(Math.abs(by) < 0.01 ? 2 : 0)} percentage points, and `
    + (turned.length ? `decides ${turned.join(", ")} otherwise.` : "no decision.");
  const before = nearest(page.chosen, "expression_features"), after = nearest(page.chosen, "au_residual");
  const line = (title, near) => el("div", {}, el("h3", {}, title),
    el("div", { class: "row" }, ...near.map(({ each, near }) => thumbnail(each, near.toFixed(3)))));
  const same = before.every(({ each }, at) => each === after[at].each);
  fill($("neighbours"), ...(before.length ? [
    line("Nearest faces with the identity left in", before), line("Nearest faces after subtraction", after),
    el("p", { class: "quiet" }, `Cosine of what Action Units are read from, among the faces loaded. ${same ? "The order is the same before and after." : "The order changes."}`),
  ] : [el("p", { class: "quiet" }, "Load more faces to see which are nearest before and after.")]));
}

function drawDownloads() {
  const photographs = items.filter(each => each.kind === "photograph");
  const links = [];
  if (photographs.length) {
    const answers = photographs.map(({ answer }) => answer), name = "photographs";
    links.push(el("button", { type: "button", click: () => save(`${name}.json`, "application/json", JSON.stringify(answers.map(plain), null, 1)) }, "Photographs, JSON"));
    links.push(el("button", { type: "button", click: () => save(`${name}.csv`, "text/csv", csv(answers)) }, "Photographs, CSV"));
  }
  for (const one of items.filter(each => each.kind === "clip"))
    for (const { name, title } of one.outputs)
      links.push(el("a", { href: `/v1/clips/${one.id}/${name}`, download: `${one.name}.${name}` }, `${one.name}, ${title}`));
  fill($("downloads"), ...links);
}

const plain = ({ rows, ...answer }) => ({ ...answer, faces: answer.faces.map(({ inside, ...face }) => face) });

function csv(answers) {
  const cell = value => /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  const line = values => `${values.map(value => cell(String(value ?? ""))).join(",")}\n`;
  return [line(known.columns), ...answers.flatMap(({ rows }) => rows.map(row => line(known.columns.map(name => row[name]))))].join("");
}
