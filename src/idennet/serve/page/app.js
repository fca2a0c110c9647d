// The page: what happens when something is pressed, dropped or moved.

import { startCamera } from "./camera.js";
import { $, el } from "./dom.js";
import { complain, load } from "./loading.js";
import { read } from "./reading.js";
import { drawBoxes, seek, timeline } from "./stage.js";
import { items, known, page } from "./state.js";
import { faceAt } from "./timeline.js";
import { drawComparison } from "./tray.js";

$("about").textContent = `Weights ${known.weights}, schema ${known.schema}.`;

$("files").addEventListener("change", event => { load([...event.target.files]); event.target.value = ""; });
for (const kind of ["dragover", "drop"]) addEventListener(kind, event => event.preventDefault());
addEventListener("dragover", () => $("drop").classList.add("over"));
addEventListener("dragleave", event => { if (!event.relatedTarget) $("drop").classList.remove("over"); });
addEventListener("drop", event => { $("drop").classList.remove("over"); load([...event.dataTransfer.files]); });
addEventListener("paste", event => load([...event.clipboardData.files]));
$("scrub").addEventListener("input", event => seek(Number(event.target.value)));
$("values").addEventListener("change", () => { $("subtract").checked = true; page.item.kind === "photograph" ? read(page.chosen?.face ?? null) : read(faceAt(page.item.now, page.chosen?.person)); });
$("subtract").addEventListener("change", () => {
  document.querySelector("input[name=values][value=read]").checked = true;
  read(page.chosen.face);
});
for (const id of ["compare-a", "compare-b"]) $(id).addEventListener("change", event => { event.target.dataset.chosen = event.target.value; drawComparison(); });
$("open-camera").addEventListener("click", () => startCamera().catch(complain));
$("open-movements").addEventListener("click", () => $("movements").showModal());
$("close-movements").addEventListener("click", () => $("movements").close());
addEventListener("resize", () => { if (page.item?.frames?.length) timeline.draw(); drawBoxes(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (page.item?.frames?.length) timeline.draw(); });
addEventListener("pagehide", () => items.filter(each => each.kind === "clip").forEach(each => navigator.sendBeacon && fetch(`/v1/clips/${each.id}`, { method: "DELETE", keepalive: true })));

for (const list of document.querySelectorAll(".movements")) list.replaceChildren(...known.aus.map(au => el("li", {},
  el("img", { src: `/movements/${au.au}.webp`, loading: "lazy", width: 388, height: 192, alt: `${au.name}: at rest and in full` }),
  el("p", {}, el("b", {}, au.au), au.name), el("p", { class: "quiet" }, au.movement))));
document.documentElement.dataset.ready = "";
