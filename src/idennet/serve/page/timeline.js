// Action Units over time: a lane each, as dark as the Action Unit is probable.

import { clock } from "./dom.js";

const LANE = 17, LABEL = 46, FOOT = 16;

/** Number of the person of a face in a frame: where nobody tells people apart, of the track that the face continues. */
export const personOf = face => face.person ?? face.track;

export function faceAt(frame, person) {
  return frame?.faces.find(face => personOf(face) === person) ?? null;
}

/** Numbers of the persons in frames, who is seen most first. */
export function personsOf(frames) {
  const seen = new Map();
  for (const person of frames.flatMap(frame => frame.faces.map(personOf))) seen.set(person, (seen.get(person) ?? 0) + 1);
  return [...seen.keys()].sort((a, b) => seen.get(b) - seen.get(a) || a - b);
}

/** Number of the frame that is shown at a time. */
export function frameAt(frames, time) {
  let low = 0, high = frames.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (frames[middle].time <= time + 1e-3) low = middle; else high = middle - 1;
  }
  return low;
}

export class Timeline {
  constructor(canvas, seek) {
    this.canvas = canvas;
    canvas.addEventListener("pointerdown", event => { canvas.setPointerCapture(event.pointerId); this.point(event); });
    canvas.addEventListener("pointermove", event => { if (event.buttons) this.point(event); });
    this.seek = seek;
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const share = (event.clientX - box.left - LABEL) / (box.width - LABEL);
    this.seek(this.begin + Math.min(Math.max(share, 0), 1) * (this.end - this.begin));
  }

  /** Take frames of a person; lanes are the Action Units that are present at some time. */
  show(frames, person, aus, begin, end) {
    Object.assign(this, { frames, person, begin, end: Math.max(end, begin + 0.1) });
    const seen = new Set();
    for (const frame of frames)
      for (const [au, of] of Object.entries(faceAt(frame, person)?.aus ?? {})) if (of.present) seen.add(au);
    this.lanes = aus.filter(au => seen.has(au.au));
    this.draw();
    return this.lanes.length;
  }

  draw() {
    const { canvas, frames, lanes } = this, ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth || 600, height = Math.max(lanes.length, 1) * LANE + FOOT;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.height = `${height}px`;
    const style = getComputedStyle(document.documentElement), probe = getComputedStyle(canvas.parentElement);
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.scale(ratio, ratio);
    pen.font = `12px ${style.getPropertyValue("--sans")}`;
    pen.textBaseline = "middle";
    const unseen = hatching(pen, colour("--faint", canvas));
    const accent = colour("--accent", canvas), track = colour("--track", canvas), quiet = colour("--quiet", canvas);
    const across = width - LABEL, x = time => LABEL + across * (time - this.begin) / (this.end - this.begin);
    lanes.forEach((au, lane) => {
      pen.globalAlpha = 1;
      pen.fillStyle = unseen;
      pen.fillRect(LABEL, lane * LANE + 2, across, LANE - 4);
      pen.fillStyle = au.reliable ? probe.color : quiet;
      pen.fillText(`${au.reliable ? "" : "~"}${au.au}`, 0, lane * LANE + LANE / 2);
    });
    frames.forEach((frame, at) => {
      const face = faceAt(frame, this.person);
      if (!face) return;
      const left = Math.round(x(frame.time)), step = (frames[at + 1]?.time ?? this.end) - frame.time;
      const right = Math.max(Math.round(x(frame.time + Math.min(step, 0.5))), left + 1);
      lanes.forEach((au, lane) => {
        const value = face.aus[au.au].probability, place = [left, lane * LANE + 2, right - left, LANE - 4];
        if (value === null) return;
        for (const [paint, alpha] of [[track, 1], [accent, value ** 1.5]]) {
          Object.assign(pen, { fillStyle: paint, globalAlpha: alpha });
          pen.fillRect(...place);
        }
      });
    });
    pen.globalAlpha = 1;
    pen.fillStyle = quiet;
    pen.font = `11px ${style.getPropertyValue("--sans")}`;
    for (const share of [0, 0.5, 1]) {
      pen.textAlign = share === 0 ? "left" : share === 1 ? "right" : "center";
      const time = this.begin + share * (this.end - this.begin);
      pen.fillText(clock(time, this.end), LABEL + share * across, height - FOOT / 2 + 1);
    }
    this.still = pen.getImageData(0, 0, canvas.width, canvas.height);
    this.mark(this.at ?? this.begin);
  }

  /** Draw where the clip is. */
  mark(time) {
    this.at = time;
    if (!this.still) return;
    const pen = this.canvas.getContext("2d"), ratio = devicePixelRatio || 1, width = this.canvas.width / ratio;
    pen.putImageData(this.still, 0, 0);
    pen.fillStyle = getComputedStyle(this.canvas.parentElement).color;
    pen.fillRect(LABEL + (width - LABEL) * (time - this.begin) / (this.end - this.begin) - 1, 0, 2, this.canvas.height / ratio - FOOT);
  }
}

function hatching(pen, paint) {
  const tile = Object.assign(document.createElement("canvas"), { width: 6, height: 6 }), lines = tile.getContext("2d");
  lines.strokeStyle = paint;
  for (const at of [0, 6, 12]) {
    lines.moveTo(at - 7, 7);
    lines.lineTo(at + 1, -1);
  }
  lines.stroke();
  return pen.createPattern(tile, "repeat");
}

function colour(name, home) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  home.parentElement.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
