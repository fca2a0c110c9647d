// What the user loaded, what is on the stage, and which face is chosen.

import * as api from "./api.js";

export const known = await api.weights();
export const items = []; // photographs and clips: {kind, name, url, file, ...}
export const faces = []; // faces of photographs: {item, face, name}
export const page = {
  item: null,            // what is on the stage: a photograph, a clip, or the camera
  chosen: null,          // the chosen face of `faces`, or {item, person, name} of a clip or the camera
};

const SURE = 0.9; // as in inference/face.py

/** Whether a face of a photograph may be somebody else than the others who are called so. */
export const doubtful = one => !one.own && (one.certainty ?? 1) < SURE;

/** What the person of a face of a photograph is called. */
export const called = one => doubtful(one) ? `maybe ${one.name}` : one.name;

/** What a person of a clip or before the camera is called. */
export const nameOf = (one, person) => one.names?.[person] ?? `Person ${person}`;
