// The stage: a photograph, a clip or the camera, with frames round its faces and a timeline.

import * as api from "./api.js";
import { stopCamera } from "./camera.js";
import { $, clock, el, fill, save } from "./dom.js";
import { addPhotograph, complain, showPhotograph, tellApart } from "./loading.js";
import { read } from "./reading.js";
import { called, faces, known, nameOf, page } from "./state.js";
import { faceAt, frameAt, personOf, Timeline } from "./timeline.js";
import { drawTray } from "./tray.js";

export const timeline = new Timeline($("timeline"), time => seek(time));

export function choose(one) {
  page.chosen = one;
  show(one.item);
}

export function choosePerson(one, person, time = 0) {
  page.chosen = { item: one, person, name: nameOf(one, person) };
  show(one);
  seek(time);
}

/** Show a clip from where the chosen person comes, or else whoever is seen most. */
export function chooseClip(one) {
  const person = page.chosen?.item === one ? page.chosen.person : one.persons[0] ?? 1;
  choosePerson(one, person, (one.frames.find(frame => faceAt(frame, person)) ?? one.frames[0]).time);
}

export function show(one) {
  if (page.item !== one) {
    if (page.item?.kind === "camera" && one.kind !== "camera") stopCamera();
    page.item = one;
    $("work").hidden = false;
    $("intro").hidden = true;
    $("drop").classList.add("small");
    const media = one.kind === "photograph"
      ? el("img", { src: one.url, alt: `Photograph ${one.name}`, load: drawBoxes, error: notShown })
      : el("video", { src: one.url ?? null, playsinline: true, muted: true, "aria-label": one.name, loadedmetadata: event => isBlind(event.target) ? notShown() : drawBoxes(), error: notShown });
    if (one.kind === "clip") follow(media);
    if (one.kind === "camera") { media.srcObject = one.source; media.play(); }
    $("figure").replaceChildren(media, el("div", { id: "boxes" }));
    $("caption").textContent = one.kind === "camera" ? "" : [one.name, ...(one.answer?.notes ?? [])].join(" · ");
    $("position").hidden = one.kind === "photograph";
    $("scrub").hidden = one.kind === "camera";
  }
  if (one.frames?.length) drawTimeline();
  if (one.kind === "photograph") read(page.chosen?.item === one ? page.chosen.face : null);
  drawActions();
  drawBoxes();
  drawTray();
}

/** Whether a browser plays at most the sound of a video. */
const isBlind = media => media.error || media.readyState && !media.videoWidth;

function notShown() {
  $("caption").textContent = `This browser cannot show ${page.item.name}; what was read is beside it.`;
  drawActions();
}

function follow(video) {
  const now = () => { if (page.item?.kind === "clip" && video.isConnected) moved(video.currentTime); };
  const step = () => { now(); if (video.isConnected) video.requestVideoFrameCallback(step); };
  video.addEventListener("seeked", now);
  for (const turn of ["play", "pause"]) video.addEventListener(turn, () => { if (video.isConnected) drawActions(); });
  video.addEventListener("click", play);
  video.requestVideoFrameCallback ? video.requestVideoFrameCallback(step) : video.addEventListener("timeupdate", now);
}

export function seek(time) {
  const video = $("figure").querySelector("video");
  if (page.item?.kind !== "clip") return;
  if (video?.readyState) video.currentTime = time;
  else video?.addEventListener("loadeddata", () => { video.currentTime = time; }, { once: true });
  moved(time);
}

export function moved(time) {
  const frame = page.item.frames[frameAt(page.item.frames, time)];
  page.item.now = frame;
  timeline.mark(Math.min(Math.max(time, timeline.begin), timeline.end));
  $("scrub").value = time;
  const face = faceAt(frame, page.chosen.person);
  const present = face ? Object.keys(face.aus).filter(au => face.aus[au].present).join(", ") || "no Action Unit" : "not seen";
  $("scrub").setAttribute("aria-valuetext", `${time.toFixed(1)} seconds: ${present}`);
  read(face);
  drawBoxes();
}

export function drawTimeline() {
  const frames = page.item.frames, live = page.item.kind === "camera", begin = live ? frames[0].time : 0;
  const [before, last] = [frames[frames.length - 2] ?? frames[0], frames[frames.length - 1]];
  const end = live ? last.time : last.time + Math.min(last.time - before.time, 0.5); // until the last frame is over
  const lanes = timeline.show(frames, page.chosen?.person, known.aus, begin, end);
  $("scrub").max = end;
  const read = frames.filter(frame => faceAt(frame, page.chosen?.person)).length;
  $("timeline-note").textContent = live ? "" :
    `${frames.length} frames in ${clock(end)}; ${page.chosen.name} is seen in ${read}. ${lanes ? "The darker, the more probable; where it is hatched, nothing could be seen." : "No Action Unit is present."}`;
}

/** Frames round the faces; they are moved, not made anew, so that a click or the keyboard can rest on one. */
export function drawBoxes() {
  const boxes = $("boxes"), shown = page.item?.kind === "photograph" ? page.item.answer : page.item?.now;
  if (!boxes) return;
  const found = shown?.size ? shown.faces : [];
  while (boxes.children.length > found.length) boxes.lastChild.remove();
  found.forEach((face, at) => {
    const box = boxes.children[at] ?? boxes.appendChild(el("button", { type: "button", class: "box", click: () => chooseBox(at) }, el("span")));
    const entry = page.item.kind === "photograph" ? faces.find(each => each.face === face) : null;
    const person = personOf(face), name = entry ? called(entry) : nameOf(page.item, person);
    box.setAttribute("aria-label", name);
    box.setAttribute("aria-pressed", String(entry ? entry === page.chosen : person === page.chosen?.person));
    box.firstChild.textContent = name;
    const [x0, y0, x1, y1] = face.box, [width, height] = shown.size, left = page.item.kind === "camera" ? width - x1 : x0;
    box.classList.toggle("high", y0 / height * boxes.parentElement.clientHeight < 20); // no room for the name above it
    Object.assign(box.style, {
      left: `${100 * left / width}%`, top: `${100 * y0 / height}%`,
      width: `${100 * (x1 - x0) / width}%`, height: `${100 * (y1 - y0) / height}%`,
    });
  });
}

function chooseBox(at) {
  if (page.item.kind === "photograph") choose(faces.find(each => each.face === page.item.answer.faces[at]));
  else choosePerson(page.item, personOf(page.item.now.faces[at]), $("figure").firstElementChild.currentTime);
  if (page.item.kind === "camera") read(faceAt(page.item.now, page.chosen.person));
}

export function drawActions() {
  const media = $("figure").firstElementChild, of = {
    photograph: [["Save overlay", async () => save(`${page.item.name}.overlay.jpg`, "image/jpeg", await api.overlay(page.item.file, page.item.name))]],
    clip: isBlind(media) ? [] : [[media.paused ? "Play" : "Pause", play], ["Look closely at this frame", keepFrame]],
    camera: page.item.source ? [["Keep this picture", keepFrame], ["Stop", stopCamera]] : [],
  }[page.item.kind];
  const persons = page.item.kind === "clip" && page.item.persons.length > 1 ? page.item.persons : [];
  fill($("actions"),
    ...of.map(([name, act]) => el("button", { type: "button", click: () => Promise.resolve(act()).catch(complain) }, name)),
    ...persons.map(person => el("button", {
      type: "button", "aria-pressed": String(person === page.chosen.person),
      click: () => choosePerson(page.item, person, media.currentTime),
    }, nameOf(page.item, person))));
}

function play() {
  const video = $("figure").firstElementChild;
  return video.paused ? video.play() : video.pause();
}

/** Add what the video shows now as a photograph. */
async function keepFrame() {
  const video = $("figure").querySelector("video"), name = `${page.item.name} ${page.item.kind === "clip" ? `at ${video.currentTime.toFixed(2)} s` : new Date().toLocaleTimeString()}`;
  const file = await pictureOf(video, 0.95);
  const { kind, now, names } = page.item, person = page.chosen?.person;
  const one = await addPhotograph(file, name.replaceAll("/", "-")), found = faces.filter(each => each.item === one);
  const mine = found[now ? now.faces.indexOf(faceAt(now, person)) : 0] ?? found[0];
  if (mine && names?.[person]) Object.assign(mine, { name: names[person], own: true });
  if (kind === "clip") mine ? choose(mine) : showPhotograph(one);
  await tellApart();
}

export function pictureOf(video, quality, most = Infinity) {
  const scale = Math.min(1, most / video.videoWidth);
  const canvas = el("canvas", { width: Math.round(scale * video.videoWidth), height: Math.round(scale * video.videoHeight) });
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise(resolve => canvas.toBlob(resolve, "image/jpeg", quality));
}
