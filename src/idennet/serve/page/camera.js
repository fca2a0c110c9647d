// The camera: frames are sent as they come, and one person is followed.

import * as api from "./api.js";
import { $, el } from "./dom.js";
import { complain } from "./loading.js";
import { read } from "./reading.js";
import { choosePerson, drawActions, drawBoxes, drawTimeline, pictureOf, show, timeline } from "./stage.js";
import { page } from "./state.js";
import { faceAt, personOf } from "./timeline.js";

export async function startCamera() {
  const source = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, facingMode: "user" } })
    .catch(() => { throw new Error("There is no webcam, or this page may not use it."); });
  const one = { kind: "camera", name: "Webcam", source, frames: [], socket: api.stream() };
  page.chosen = null;
  show(one);
  const video = $("figure").querySelector("video"), began = performance.now();
  video.classList.add("mirrored");
  let sent = 0, answered = 0;
  const send = async () => {
    if (page.item !== one || one.socket.readyState > WebSocket.OPEN) return;
    if (one.socket.readyState === WebSocket.OPEN && video.readyState >= video.HAVE_CURRENT_DATA && sent - answered < 2) {
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
    if (page.item !== one) return;
    const seconds = frame.time - one.frames[0].time;
    const rate = seconds > 1 ? ` · ${((one.frames.length - 1) / seconds).toFixed(1)} frames a second` : "";
    $("caption").textContent = `${Math.round(frame.milliseconds)} ms a frame${rate} · ${frame.dropped} dropped`;
    stay(one, frame);
    read(faceAt(frame, page.chosen?.person));
    drawTimeline();
    timeline.mark(frame.time);
    drawBoxes();
  });
  one.socket.addEventListener("close", event => {
    if (event.reason) complain(new Error(event.reason));
    if (page.item === one) stopCamera();
  });
  send();
}

/** Stay with the chosen person. After a second without them, the largest of the faces that came since is chosen. */
function stay(one, frame) {
  if (faceAt(frame, page.chosen?.person)) {
    one.seen = { time: frame.time, newest: Math.max(one.seen?.newest ?? 0, ...frame.faces.map(personOf)) };
  } else if (!one.seen || frame.time > one.seen.time + 1) {
    const size = ({ box: [x0, y0, x1, y1] }) => (x1 - x0) * (y1 - y0);
    const [largest] = frame.faces.filter(face => personOf(face) > (one.seen?.newest ?? 0)).sort((a, b) => size(b) - size(a));
    if (largest) choosePerson(one, personOf(largest));
  }
}

/** Let go of the camera; its last picture stays. */
export function stopCamera() {
  const video = $("figure").querySelector("video");
  if (!video) return;
  const last = el("canvas", { class: "mirrored", role: "img", "aria-label": "The last picture of the webcam", width: video.videoWidth, height: video.videoHeight });
  last.getContext("2d").drawImage(video, 0, 0);
  video.replaceWith(last);
  page.item.socket.close();
  page.item.source.getTracks().forEach(track => track.stop());
  page.item.source = null;
  $("caption").textContent = "The webcam is off.";
  drawActions();
}
