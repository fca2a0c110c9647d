// The page: what the user loaded, which face is chosen, and everything that is shown of it.

import * as api from "./api.js";
import { Bars, differences, unseen, valuesOf } from "./bars.js";
import { $, clock, el, fill, percent, save } from "./dom.js";
import { faceAt, frameAt, personOf, personsOf, Timeline } from "./timeline.js";

const known = await api.weights();
const bars = new Bars($("bars"), known.aus);
const timeline = new Timeline($("timeline"), time => seek(time));
const items = [];      // photographs, clips and the camera: {kind, name, url, file, ...}
const faces = [];      // faces of photographs: {item, face, name}
let item = null;       // what is on the stage
let chosen = null;     // the chosen face of `faces`, or {item, person, name} of a clip or the camera

$("about").textContent = `Weights ${known.weights}, schema ${known.schema}.`;

// ---- loading ------------------------------------------------------------------------------------------------

const isClip = file => file.type.startsWith("video/") || /\.(mp4|m4v|mov|avi|mkv|webm|wmv|mpe?g|m2?ts|3gp|flv|ogv)$/i.test(file.name);

async function load(files) {
  $("messages").replaceChildren();
  const photographs = [...files].filter(file => !isClip(file));
  const clips = [...files].filter(isClip).map(loadClip);
  if (photographs.length) await loadPhotographs(photographs);
  await Promise.all(clips);
}

async function loadPhotographs(files) {
  const cancel = new AbortController(), [entry, progress, says] = job(files.length > 1 ? `${files.length} photographs` : files[0].name, cancel);
  progress.max = files.length;
  let done = 0;
  const waiting = [...files];
  const worker = async () => {
    for (let file; (file = waiting.shift()) && !cancel.signal.aborted;) {
      try { await addPhotograph(file); } catch (error) { complain(error); }
      progress.value = ++done;
      says.textContent = `${done} of ${files.length} read`;
    }
  };
  await Promise.all([worker(), worker(), worker()]);
  await tellApart();
  entry.remove();
}

async function addPhotograph(file, name = file.name) {
  const answer = await api.photograph(file, name);
  const one = { kind: "photograph", name, file, url: URL.createObjectURL(file), answer };
  items.push(one);
  for (const face of answer.faces) faces.push({ item: one, face, name: `Face ${faces.length + 1}` });
  if (!answer.faces.length) complain(new Error(`${name}: ${answer.problem}.`));
  const mine = faces.find(each => each.item === one);
  if (!chosen && item?.kind !== "camera" || item?.kind === "clip") mine ? choose(mine) : show(one);
  drawTray();
  return one;
}

/** Name faces after their people, but for those that the user has named. */
async function tellApart() {
  const told = faces.filter(each => each.face.inside?.identity_embedding);
  if (!told.length || told.length > 500) return;
  const people = await api.people(told.map(each => each.face.inside.identity_embedding), told.map(each => items.indexOf(each.item))).catch(() => null);
  if (!people) return;
  const named = new Map();
  told.forEach((each, at) => { if (each.own) named.set(people[at], each.name); });
  told.forEach((each, at) => { each.person = people[at]; if (!each.own) each.name = named.get(people[at]) ?? `Person ${people[at]}`; });
  if (chosen?.face) show(item);
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
    choosePerson(one, one.persons[0] ?? 1);
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

function complain(error) {
  $("messages").append(el("p", {}, error.message));
}

// ---- the stage ----------------------------------------------------------------------------------------------

function choose(one) {
  chosen = one;
  show(one.item);
}

function choosePerson(one, person, time = 0) {
  chosen = { item: one, person, name: nameOf(one, person) };
  show(one);
  seek(time);
}

const nameOf = (one, person) => one.names?.[person] ?? `Person ${person}`;

function show(one) {
  if (item !== one) {
    if (item?.kind === "camera" && one.kind !== "camera") stopCamera();
    item = one;
    $("work").hidden = false;
    $("intro").hidden = true;
    $("drop").classList.add("small");
    const media = one.kind === "photograph"
      ? el("img", { src: one.url, alt: `Photograph ${one.name}`, load: drawBoxes, error: notShown })
      : el("video", { src: one.url ?? null, controls: one.kind === "clip", playsinline: true, muted: true, "aria-label": one.name, loadedmetadata: drawBoxes, error: notShown });
    if (one.kind === "clip") follow(media);
    if (one.kind === "camera") { media.srcObject = one.source; media.play(); }
    $("figure").replaceChildren(media, el("div", { id: "boxes" }));
    $("position").hidden = one.kind === "photograph";
    $("scrub").hidden = one.kind === "camera";
  }
  if (one.frames?.length) drawTimeline();
  if (one.kind === "photograph") read(chosen?.item === one ? chosen.face : null);
  drawActions();
  drawBoxes();
  drawTray();
}

function notShown() {
  $("caption").textContent = `This browser cannot show ${item.name}; what was read is beside it.`;
}

function follow(video) {
  const now = () => { if (item?.kind === "clip" && video.isConnected) moved(video.currentTime); };
  const step = () => { now(); if (video.isConnected) video.requestVideoFrameCallback(step); };
  video.addEventListener("seeked", now);
  video.requestVideoFrameCallback ? video.requestVideoFrameCallback(step) : video.addEventListener("timeupdate", now);
}

function seek(time) {
  const video = $("figure").querySelector("video");
  if (item?.kind !== "clip") return;
  if (video?.readyState) video.currentTime = time;
  else video?.addEventListener("loadeddata", () => { video.currentTime = time; }, { once: true });
  moved(time);
}

function moved(time) {
  const frame = item.frames[frameAt(item.frames, time)];
  item.now = frame;
  timeline.mark(Math.min(Math.max(time, timeline.begin), timeline.end));
  $("scrub").value = time;
  const face = faceAt(frame, chosen.person);
  const present = face ? Object.keys(face.aus).filter(au => face.aus[au].present).join(", ") || "no Action Unit" : "not seen";
  $("scrub").setAttribute("aria-valuetext", `${time.toFixed(1)} seconds: ${present}`);
  read(face, false);
  drawBoxes();
}

function drawTimeline() {
  const frames = item.frames, begin = item.kind === "camera" ? frames[0].time : 0, end = frames[frames.length - 1].time;
  const lanes = timeline.show(frames, chosen?.person, known.aus, begin, end);
  $("scrub").max = end;
  const read = frames.filter(frame => faceAt(frame, chosen?.person)).length;
  $("timeline-note").textContent = item.kind === "camera" ? "" :
    `${frames.length} frames in ${clock(end)}; ${chosen.name} is seen in ${read}. ${lanes ? "The darker, the more probable; where a lane is blank, nothing could be seen." : "No Action Unit is present."}`;
}

/** Frames round the faces; they are moved, not made anew, so that a click or the keyboard can rest on one. */
function drawBoxes() {
  const boxes = $("boxes"), shown = item?.kind === "photograph" ? item.answer : item?.now;
  if (!boxes) return;
  const found = shown?.size ? shown.faces : [];
  while (boxes.children.length > found.length) boxes.lastChild.remove();
  found.forEach((face, at) => {
    const box = boxes.children[at] ?? boxes.appendChild(el("button", { type: "button", class: "box", click: () => chooseBox(at) }, el("span")));
    const entry = item.kind === "photograph" ? faces.find(each => each.face === face) : null;
    const person = personOf(face), name = entry?.name ?? nameOf(item, person);
    box.setAttribute("aria-label", name);
    box.setAttribute("aria-pressed", String(entry ? entry === chosen : person === chosen?.person));
    box.firstChild.textContent = name;
    const [x0, y0, x1, y1] = face.box, [width, height] = shown.size, left = item.kind === "camera" ? width - x1 : x0;
    Object.assign(box.style, {
      left: `${100 * left / width}%`, top: `${100 * y0 / height}%`,
      width: `${100 * (x1 - x0) / width}%`, height: `${100 * (y1 - y0) / height}%`,
    });
  });
}

function chooseBox(at) {
  if (item.kind === "photograph") choose(faces.find(each => each.face === item.answer.faces[at]));
  else choosePerson(item, personOf(item.now.faces[at]), $("figure").firstElementChild.currentTime);
  if (item.kind === "camera") read(faceAt(item.now, chosen.person), false);
}

function drawActions() {
  const of = {
    photograph: [["Save overlay", async () => save(`${item.name}.overlay.jpg`, "image/jpeg", await api.overlay(item.file, item.name))]],
    clip: [["Look closely at this frame", keepFrame]],
    camera: item.source ? [["Keep this picture", keepFrame], ["Stop", stopCamera]] : [],
  }[item.kind];
  const persons = item.kind === "clip" && item.persons.length > 1 ? item.persons : [];
  fill($("actions"),
    ...of.map(([name, act]) => el("button", { type: "button", click: () => Promise.resolve(act()).catch(complain) }, name)),
    ...persons.map(person => el("button", {
      type: "button", "aria-pressed": String(person === chosen.person),
      click: () => choosePerson(item, person, $("figure").firstElementChild.currentTime),
    }, nameOf(item, person))));
  if (item.kind !== "camera") $("caption").textContent = [item.name, ...(item.answer?.notes ?? [])].join(" · ");
}

/** Add what the video shows now as a photograph. */
async function keepFrame() {
  const video = $("figure").querySelector("video"), name = `${item.name} ${item.kind === "clip" ? `at ${video.currentTime.toFixed(2)} s` : new Date().toLocaleTimeString()}`;
  const file = await pictureOf(video, 0.95);
  const { kind, now, names } = item, person = chosen?.person;
  const one = await addPhotograph(file, name.replaceAll("/", "-")), found = faces.filter(each => each.item === one);
  const mine = found[now ? now.faces.indexOf(faceAt(now, person)) : 0] ?? found[0];
  if (mine && names?.[person]) Object.assign(mine, { name: names[person], own: true });
  if (mine && kind === "clip") choose(mine);
  await tellApart();
}

function pictureOf(video, quality, most = Infinity) {
  const scale = Math.min(1, most / video.videoWidth);
  const canvas = el("canvas", { width: Math.round(scale * video.videoWidth), height: Math.round(scale * video.videoHeight) });
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise(resolve => canvas.toBlob(resolve, "image/jpeg", quality));
}

// ---- the reading --------------------------------------------------------------------------------------------

function valuesKind() {
  return document.querySelector("input[name=values]:checked").value;
}

function read(face, sort = true) {
  const inside = Boolean(face?.inside?.raw), offered = [...document.querySelectorAll("input[name=values]")].filter(input => {
    input.disabled = input.value !== "read" && !(face && valuesOf(face, input.value));
    const ever = input.value === "read" || (input.value === "zeroed" ? item.zeroed : item.kind === "photograph");
    input.closest("label").hidden = !ever;
    return ever;
  });
  $("values").hidden = offered.length < 2;
  if (face && document.querySelector("input[name=values]:checked").disabled) document.querySelector("input[name=values][value=read]").checked = true;
  $("subtract").disabled = !inside;
  $("subtract").checked = valuesKind() !== "unsubtracted";
  $("reading").classList.toggle("empty", !face);
  drawWho(face);
  $("bars").hidden = !face;
  $("bars").classList.toggle("moving", item.kind !== "photograph");
  if (face) bars.show(face, valuesKind(), sort || item.kind === "photograph");
  drawSwitch(face);
}

function drawWho(face) {
  const pose = face?.pose, live = item.kind !== "photograph";
  const turns = !pose ? [] : [turn(pose.yaw, "to the right of the picture", "to the left of the picture"), turn(pose.pitch, "up", "down")].filter(Boolean);
  const doubts = (face?.flags ?? []).filter(flag => flag !== "occluded").map(flag => DOUBTS[flag]);
  const says = !face ? "Not seen here." : [
    pose ? `Looks ${turns.join(", ") || "straight ahead"}` : null,
    face.hidden?.length ? `${face.hidden.join(" and ")} hidden` : null,
    doubts.length ? `may be read badly: ${doubts.join(", ")}` : null,
  ].filter(Boolean).join(" · ");
  if ($("who").dataset.of === String(faces.indexOf(chosen)) + item.name + chosen?.person && live) {
    $("who").querySelector(".says").textContent = says;
    return;
  }
  $("who").dataset.of = String(faces.indexOf(chosen)) + item.name + chosen?.person;
  const name = el("input", { type: "text", "aria-label": "Name of this person", maxlength: 60, input: event => rename(event.target.value) });
  name.value = chosen?.name ?? "No face";
  name.disabled = !chosen;
  $("who").replaceChildren(
    ...(face?.inside?.crop ? [el("img", { src: face.inside.crop, alt: "The face as the network sees it" })] : []),
    el("div", {}, name, el("p", { class: "quiet says" }, says)));
}

const DOUBTS = { small: "small face", turned: "head turned away", blurred: "blurred", dark: "dark", unsure: "unlike what the weights know" };

function turn(angle, positive, negative) {
  return Math.abs(angle) < 5 ? "" : `${Math.round(Math.abs(angle))}° ${angle > 0 ? positive : negative}`;
}

function rename(name) {
  Object.assign(chosen, { name, own: true });
  if (!chosen.face) (item.names ??= {})[chosen.person] = name;
  else for (const each of faces) if (chosen.person && each.person === chosen.person && !each.own) each.name = name;
  drawBoxes();
  drawTray();
  drawSwitch(chosen.face);
}

// ---- faces, the switch, comparison, downloads -----------------------------------------------------------------

function thumbnail(one, more) {
  return el("button", { type: "button", class: "face", "aria-pressed": String(one === chosen), click: () => choose(one) },
    el("img", { src: one.face.inside?.crop ?? one.item.url, alt: "" }), el("b", {}, one.name), more ? el("span", {}, more) : null);
}

function drawTray() {
  const clips = items.filter(each => each.kind === "clip");
  $("tray").hidden = !faces.length && !clips.length;
  $("cards").hidden = $("tray").hidden;
  fill($("faces"),
    ...faces.map(one => el("li", {}, thumbnail(one, one.item.name))),
    ...clips.map(one => el("li", {}, el("button", { type: "button", class: "face", "aria-pressed": String(one === item), click: () => choosePerson(one, chosen?.item === one ? chosen.person : one.persons[0] ?? 1) },
      el("img", { src: one.poster ?? "/page/clip.svg", alt: "" }), el("b", {}, "Clip"), el("span", {}, one.name)))));
  for (const [select, other] of [[$("compare-a"), 0], [$("compare-b"), 1]]) {
    const before = select.dataset.chosen;
    select.replaceChildren(...faces.map((one, at) => el("option", { value: at }, `${one.item.name} · ${one.name}`)));
    select.value = before && before < faces.length ? before : Math.min(other, faces.length - 1);
  }
  drawComparison();
  drawDownloads();
}

function drawComparison() {
  const [a, b] = [faces[$("compare-a").value], faces[$("compare-b").value]];
  $("compare-card").hidden = faces.length < 2;
  if (!a || !b) return;
  const hidden = unseen(a.face, b.face);
  $("differences").replaceChildren(...a === b ? [el("p", { class: "quiet" }, "Choose two different faces.")] : [
    el("ul", {}, ...differences(a.face, b.face, known.aus).slice(0, 10)),
    el("p", { class: "quiet" }, "To the right: more in the second picture; to the left: less."),
    hidden.length ? el("p", { class: "quiet" }, `Hidden in one of them, so not compared: ${hidden.join(", ")}.`) : ""]);
}

const dot = (a, b) => a.reduce((sum, value, at) => sum + value * b[at], 0);
const likeness = (a, b) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

function nearest(one, space) {
  return faces.filter(each => each !== one && each.face.inside?.[space])
    .map(each => ({ each, near: likeness(one.face.inside[space], each.face.inside[space]) }))
    .sort((a, b) => b.near - a.near).slice(0, 5);
}

function drawSwitch(face) {
  $("switch-card").hidden = !face?.inside?.raw;
  if (!face?.inside?.raw || chosen?.face !== face) return;
  const [read, left] = [valuesOf(face, "read"), valuesOf(face, "unsubtracted")];
  const moved = Object.keys(read).filter(au => read[au] !== null).map(au => [au, read[au] - left[au]]).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const turned = moved.filter(([au]) => (left[au] >= face.aus[au].threshold) !== face.aus[au].present).map(([au]) => au);
  const [most, by] = moved[0] ?? ["nothing", 0];
  $("switch-says").textContent = `Subtraction changes ${most} most, by ${(100 * Math.abs(by)).toFixed(Math.abs(by) < 0.01 ? 2 : 0)} points, and `
    + (turned.length ? `decides ${turned.join(", ")} otherwise.` : "no decision.");
  const before = nearest(chosen, "expression_features"), after = nearest(chosen, "au_residual");
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

// ---- the camera ---------------------------------------------------------------------------------------------

async function startCamera() {
  const source = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, facingMode: "user" } })
    .catch(() => { throw new Error("There is no webcam, or this page may not use it."); });
  const one = { kind: "camera", name: "Webcam", source, frames: [], socket: api.stream() };
  chosen = null;
  show(one);
  const video = $("figure").querySelector("video"), began = performance.now();
  video.classList.add("mirrored");
  let sent = 0, answered = 0;
  const send = async () => {
    if (item !== one || one.socket.readyState > WebSocket.OPEN) return;
    if (one.socket.readyState === WebSocket.OPEN && video.videoWidth && sent - answered < 2) {
      sent += 1;
      one.socket.send(await pictureOf(video, 0.8, 640));
    }
    setTimeout(send, 66);
  };
  one.socket.addEventListener("message", event => {
    const frame = JSON.parse(event.data);
    answered = frame.frame + 1;
    frame.time = (performance.now() - began) / 1000;
    one.now = frame;
    one.frames.push(frame);
    while (one.frames[0].time < frame.time - 20) one.frames.shift();
    if (item !== one) return;
    $("caption").textContent = `${Math.round(frame.milliseconds)} ms a frame · ${(one.frames.length / Math.max(frame.time - one.frames[0].time, 0.1)).toFixed(1)} frames a second · ${frame.dropped} dropped`;
    stay(one, frame);
    read(faceAt(frame, chosen?.person), false);
    drawTimeline();
    timeline.mark(frame.time);
    drawBoxes();
  });
  one.socket.addEventListener("close", event => { if (event.reason) complain(new Error(event.reason)); });
  send();
}

/** Stay with the chosen person. After a second without them, the largest of the faces that came since is chosen. */
function stay(one, frame) {
  if (faceAt(frame, chosen?.person)) {
    one.seen = { time: frame.time, newest: Math.max(one.seen?.newest ?? 0, ...frame.faces.map(personOf)) };
  } else if (!one.seen || frame.time > one.seen.time + 1) {
    const size = ({ box: [x0, y0, x1, y1] }) => (x1 - x0) * (y1 - y0);
    const [largest] = frame.faces.filter(face => personOf(face) > (one.seen?.newest ?? 0)).sort((a, b) => size(b) - size(a));
    if (largest) choosePerson(one, personOf(largest));
  }
}

/** Let go of the camera; its last picture stays. */
function stopCamera() {
  const video = $("figure").querySelector("video");
  if (!video) return;
  const last = el("canvas", { class: "mirrored", role: "img", "aria-label": "The last picture of the webcam", width: video.videoWidth, height: video.videoHeight });
  last.getContext("2d").drawImage(video, 0, 0);
  video.replaceWith(last);
  item.socket.close();
  item.source.getTracks().forEach(track => track.stop());
  item.source = null;
  $("caption").textContent = "The webcam is off.";
  drawActions();
}

// ---- wiring -------------------------------------------------------------------------------------------------

$("files").addEventListener("change", event => { load([...event.target.files]); event.target.value = ""; });
for (const kind of ["dragover", "drop"]) addEventListener(kind, event => event.preventDefault());
addEventListener("dragover", () => $("drop").classList.add("over"));
addEventListener("dragleave", event => { if (!event.relatedTarget) $("drop").classList.remove("over"); });
addEventListener("drop", event => { $("drop").classList.remove("over"); load([...event.dataTransfer.files]); });
addEventListener("paste", event => load([...event.clipboardData.files]));
$("scrub").addEventListener("input", event => seek(Number(event.target.value)));
$("values").addEventListener("change", () => item.kind === "photograph" ? read(chosen?.face ?? null) : read(faceAt(item.now, chosen?.person), false));
$("subtract").addEventListener("change", event => {
  document.querySelector(`input[name=values][value=${event.target.checked ? "read" : "unsubtracted"}]`).checked = true;
  read(chosen.face);
});
for (const id of ["compare-a", "compare-b"]) $(id).addEventListener("change", event => { event.target.dataset.chosen = event.target.value; drawComparison(); });
$("open-camera").addEventListener("click", () => startCamera().catch(complain));
$("open-movements").addEventListener("click", () => $("movements").showModal());
$("close-movements").addEventListener("click", () => $("movements").close());
addEventListener("resize", () => { if (item?.frames?.length) timeline.draw(); drawBoxes(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (item?.frames?.length) timeline.draw(); });
addEventListener("pagehide", () => items.filter(each => each.kind === "clip").forEach(each => navigator.sendBeacon && fetch(`/v1/clips/${each.id}`, { method: "DELETE", keepalive: true })));

for (const list of document.querySelectorAll(".movements")) list.replaceChildren(...known.aus.map(au => el("li", {},
  el("img", { src: `/movements/${au.au}.webp`, loading: "lazy", width: 388, height: 192, alt: `${au.name}: at rest and in full` }),
  el("p", {}, el("b", {}, au.au), au.name), el("p", { class: "quiet" }, au.movement))));
document.documentElement.dataset.ready = "";
