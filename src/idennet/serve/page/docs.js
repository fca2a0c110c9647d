// The description of the interface, from /openapi.json.

import { $, el } from "./dom.js";

const described = await (await fetch("/openapi.json")).json();
const host = location.origin;
const curl = {
  post: (path, { content }) => content["application/json"]
    ? `curl --json @FILE ${host}${path}` : `curl --data-binary @FILE '${host}${path}?name=NAME'`,
  get: path => `curl ${host}${path}`,
  delete: path => `curl -X DELETE ${host}${path}`,
};

$("about").textContent = described.info.description.replaceAll("`", "");
for (const [path, operations] of Object.entries(described.paths)) {
  for (const [method, operation] of Object.entries(operations)) {
    const parameters = (operation.parameters ?? []).filter(each => each.in === "query");
    $("operations").append(el("section", {},
      el("h2", {}, el("code", {}, `${method.toUpperCase()} ${path}`), " ", operation.summary),
      el("p", {}, operation.description.replaceAll("`", "")),
      el("pre", {}, curl[method](path, operation.requestBody ?? {})),
      parameters.length ? el("dl", {}, ...parameters.flatMap(each =>
        [el("dt", {}, el("code", {}, each.name)), el("dd", {}, (each.description ?? "").replaceAll("`", ""))])) : null,
      ...Object.entries(operation.responses).filter(([status]) => status !== "default").map(([status, answer]) => {
        const example = Object.values(answer.content ?? {})[0]?.example;
        return el("details", {}, el("summary", {}, el("code", {}, status), ` ${example?.error ?? answer.description}`),
          example && !example.error ? el("pre", {}, typeof example === "string" ? example : JSON.stringify(example, (key, value) => key === "landmarks" ? "[68 points]" : value, 1)) : null);
      })));
  }
}
$("operations").append(el("section", {},
  el("h2", {}, el("code", {}, "WS /v1/stream"), " A stream of frames"),
  el("p", {}, "Send each frame as one binary message: the bytes of a JPEG or another picture. Each answer is the "
    + "result of one frame, whose faces are followed from frame to frame (track), with its number among those sent (frame), how many were dropped so far because newer ones "
    + "came (dropped), and the milliseconds from arrival to answer. A stream that sends text, or no frame for 20 seconds, is closed, with a sentence as the reason.")));
document.documentElement.dataset.ready = "";
