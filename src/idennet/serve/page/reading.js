// The reading of the chosen face: who it is, and the bars of its Action Units.

import { Bars, valuesOf } from "./bars.js";
import { $, el, percent } from "./dom.js";
import { drawBoxes } from "./stage.js";
import { doubtful, faces, known, page } from "./state.js";
import { drawSwitch, drawTray } from "./tray.js";

const bars = new Bars($("bars"), known.aus);

function valuesKind() {
  const { checked, disabled } = $("subtract");
  return checked || disabled ? document.querySelector("input[name=values]:checked").value : "unsubtracted";
}

export function read(face) {
  const inside = Boolean(face?.inside?.raw), offered = [...document.querySelectorAll("input[name=values]")].filter(input => {
    input.disabled = input.value !== "read" && !(face && valuesOf(face, input.value));
    const ever = input.value === "read" || (input.value === "zeroed" ? page.item.zeroed : page.item.kind === "photograph");
    input.closest("label").hidden = !ever;
    return ever;
  });
  $("values").hidden = offered.length < 2;
  if (face && document.querySelector("input[name=values]:checked").disabled) document.querySelector("input[name=values][value=read]").checked = true;
  $("subtract").disabled = !inside;
  $("reading").classList.toggle("empty", !face);
  drawWho(face);
  $("bars").hidden = !face;
  $("bars").classList.toggle("moving", page.item.kind !== "photograph");
  if (face) bars.show(face, valuesKind(), page.item.kind === "photograph");
  $("red").hidden = valuesKind() === "read";
  $("red-says").textContent = valuesKind() === "unsubtracted" ? "identity subtracted" : "calibrated value";
  drawSwitch(face);
}

function drawWho(face) {
  const pose = face?.pose, live = page.item.kind !== "photograph";
  const turns = !pose ? [] : [turn(pose.yaw, "to the right of the picture", "to the left of the picture"), turn(pose.pitch, "up", "down")].filter(Boolean);
  const doubts = (face?.flags ?? []).filter(flag => flag !== "occluded").map(flag => DOUBTS[flag]);
  const says = !face ? "Not seen here." : [
    doubtful(page.chosen) ? `${percent(page.chosen.certainty)} sure to be ${page.chosen.name}` : null,
    pose ? `Looks ${turns.join(", ") || "straight ahead"}` : null,
    face.hidden?.length ? `${face.hidden.join(" and ")} hidden` : null,
    doubts.length ? `may be read badly: ${doubts.join(", ")}` : null,
  ].filter(Boolean).join(" · ");
  if ($("who").dataset.of === String(faces.indexOf(page.chosen)) + page.item.name + page.chosen?.person && live) {
    $("who").querySelector(".says").textContent = says;
    return;
  }
  $("who").dataset.of = String(faces.indexOf(page.chosen)) + page.item.name + page.chosen?.person;
  const name = el("input", { type: "text", "aria-label": "Name of this person", maxlength: 60, input: event => rename(event.target.value) });
  name.value = page.chosen?.name ?? "No face";
  name.disabled = !page.chosen;
  $("who").replaceChildren(
    ...(face?.inside?.crop ? [el("img", { src: face.inside.crop, alt: "The face as the network sees it" })] : []),
    el("div", {}, name, el("p", { class: "quiet says" }, says)));
}

const DOUBTS = { small: "small face", turned: "head turned or tilted away", blurred: "blurred", dark: "dark", unsure: "unlike what the weights know" };

function turn(angle, positive, negative) {
  return Math.abs(angle) < 5 ? "" : `${Math.round(Math.abs(angle))}° ${angle > 0 ? positive : negative}`;
}

function rename(name) {
  Object.assign(page.chosen, { name, own: true });
  if (!page.chosen.face) (page.item.names ??= {})[page.chosen.person] = name;
  else for (const each of faces) if (page.chosen.person && each.person === page.chosen.person && !each.own) each.name = name;
  drawBoxes();
  drawTray();
  drawSwitch(page.chosen.face);
}
