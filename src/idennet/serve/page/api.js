// The interface of this server; /docs describes it.

async function checked(answer) {
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw new Error(told.error ?? `The server answered ${answer.status}.`);
}

const named = (path, name, more = "") => `${path}?name=${encodeURIComponent(plain(name))}${more}`;
const plain = name => name.replace(/[/\\\p{C}]/gu, "_").replace(/\p{Z}/gu, " ").slice(-200) || "file";

async function get(path) {
  return (await checked(await fetch(path))).json();
}

export const weights = () => get("/v1/weights");

export async function photograph(file, name = file.name) {
  const patience = [500, 1000, 2000, 4000, 8000];
  for (;;) {
    const answer = await fetch(named("/v1/photographs", name, "&details=true"), { method: "POST", body: file });
    if (answer.status === 503 && patience.length) {
      await new Promise(wake => setTimeout(wake, patience.shift()));
      continue;
    }
    return (await checked(answer)).json();
  }
}

/** The `people` of faces, [1, 2, 1], and their `person_certainties`. Null where the weights cannot tell. */
export async function people(embeddings, pictures) {
  const answer = await fetch("/v1/people", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ embeddings, pictures }),
  });
  return answer.status === 404 ? null : (await checked(answer)).json();
}

export async function overlay(file, name) {
  return (await checked(await fetch(named("/v1/overlays", name), { method: "POST", body: file }))).blob();
}

/** Upload a clip; tells the share that has arrived. Returns its job. */
export function uploadClip(file, signal, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", named("/v1/clips", file.name));
    request.responseType = "json";
    request.upload.onprogress = event => progress(event.loaded / event.total);
    request.onload = () => request.status < 300
      ? resolve(request.response)
      : reject(new Error(request.response?.error ?? `The server answered ${request.status}.`));
    request.onerror = () => reject(new Error(`${file.name} could not be sent.`));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

export const clip = id => get(`/v1/clips/${id}`);
export const forgetClip = id => fetch(`/v1/clips/${id}`, { method: "DELETE" });

export async function clipFrames(id) {
  const text = await (await checked(await fetch(`/v1/clips/${id}/aus.jsonl`))).text();
  return text.split("\n").filter(Boolean).map(line => JSON.parse(line));
}

export const stream = () => new WebSocket(`${location.origin.replace(/^http/, "ws")}/v1/stream`);
