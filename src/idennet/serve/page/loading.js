// Loading: photographs and clips are sent, and come back as something to show.

import * as api from "./api.js";
import { $, el, percent } from "./dom.js";
import { chooseClip, show } from "./stage.js";
import { faces, items, page } from "./state.js";
import { personsOf } from "./timeline.js";
import { drawTray } from "./tray.js";

const isClip = file => file.type.startsWith("video/") || /\.(mp4|m4v|mov|avi|mkv|webm|wmv|mpe?g|m2?ts|3gp|flv|ogv)$/i.test(file.name);

export async function load(files) {
  $("messages").replaceChildren();
  const photographs = [...files].filter(file => !isClip(file));
  const clips = [...files].filter(isClip).map(loadClip);
  if (photographs.length) await loadPhotographs(photographs);
  await Promise.all(clips);
}

async function loadPhotographs(files) {
  const cancel = new AbortController(), [entry, progress, says] = job(files.length > 1 ? `${files.length} photographs` : files[0].name, cancel);
  progress.max = files.length;
  let done = 0, shown = null; // the first of these, or the first that has a face
  const waiting = [...files];
  const worker = async () => {
    for (let file; (file = waiting.shift()) && !cancel.signal.aborted;) {
      try {
        const one = await addPhotograph(file);
        const better = !shown || !shown.answer.faces.length && one.answer.faces.length;
        if (better && page.item?.kind !== "camera") showPhotograph(shown = one);
      } catch (error) { complain(error); }
      progress.value = ++done;
      says.textContent = `${done} of ${files.length} read`;
    }
  };
  await Promise.all([worker(), worker(), worker()]);
  await tellApart();
  entry.remove();
}

export async function addPhotograph(file, name = file.name) {
  const answer = await api.photograph(file, name);
  const one = { kind: "photograph", name, file, url: URL.createObjectURL(file), answer };
  items.push(one);
  for (const face of answer.faces) faces.push({ item: one, face, name: `Face ${faces.length + 1}` });
  if (!answer.faces.length) complain(new Error(`${name}: ${answer.problem}.`));
  drawTray();
  return one;
}

/** Show a photograph and its first face, if it has one. */
export function showPhotograph(one) {
  page.chosen = faces.find(each => each.item === one) ?? null;
  show(one);
}

/** Name faces after their people, but for those that the user has named. */
export async function tellApart() {
  const told = faces.filter(each => each.face.inside?.identity_embedding);
  if (!told.length || told.length > 500) return;
  const answer = await api.people(told.map(each => each.face.inside.identity_embedding), told.map(each => items.indexOf(each.item))).catch(() => null);
  if (!answer) return;
  const { people, person_certainties: certainties } = answer;
  const named = new Map();
  told.forEach((each, at) => { if (each.own) named.set(people[at], each.name); });
  told.forEach((each, at) => { each.person = people[at]; each.certainty = certainties[at]; if (!each.own) each.name = named.get(people[at]) ?? `Person ${people[at]}`; });
  if (page.chosen?.face) show(page.item);
  drawTray();
}

async function loadClip(file) {
  const cancel = new AbortController(), [entry, progress, says] = job(file.name, cancel);
  let id = null;
  cancel.signal.addEventListener("abort", () => { if (id) api.forgetClip(id); });
  try {
    says.textContent = "is being sent";
    let state = await api.uploadClip(file, cancel.signal, share => { progress.value = share; });
    id = state.id;
    while (state.state === "waiting" || state.state === "reading") {
      if (state.progress === null) progress.removeAttribute("value"); else progress.value = state.progress;
      says.textContent = state.state === "waiting" ? "waits until others are read" : `${state.frames} frame${state.frames === 1 ? "" : "s"} read${state.progress === null ? "" : `, ${percent(state.progress)}`}`;
      await new Promise(wake => setTimeout(wake, 400));
      if (cancel.signal.aborted) return;
      state = await api.clip(id);
    }
    if (state.problem) complain(new Error(state.problem));
    const frames = state.frames ? (await api.clipFrames(id)).filter(frame => frame.time !== undefined) : [];
    if (!frames.length) return;
    const one = { kind: "clip", name: file.name, file, url: URL.createObjectURL(file), frames, id, outputs: state.outputs, persons: personsOf(frames), zeroed: frames.some(frame => frame.faces.some(face => face.zeroed)) };
    items.push(one);
    chooseClip(one);
    drawTray();
  } catch (error) {
    if (!cancel.signal.aborted) complain(error);
  } finally {
    entry.remove();
  }
}

function job(name, cancel) {
  const progress = el("progress", { max: 1, value: 0, "aria-label": name }), says = el("span", { class: "quiet" });
  const entry = el("li", {}, el("span", {}, el("b", {}, name), " ", says),
    el("button", { type: "button", click: () => { cancel.abort(); entry.remove(); } }, "Cancel"), progress);
  $("jobs").append(entry);
  return [entry, progress, says];
}

export function complain(error) {
  $("messages").append(el("p", {}, error.message));
}
