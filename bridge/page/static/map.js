// Draw the library as a map: sounds that are alike lie together, what is heard is marked, a click previews.

import { get, watch } from "./store.js";
import { token } from "./socket.js";
import { familyColour, familyName, onScheme } from "./families.js";
import { make, setText } from "./text.js";

const MOST_FOUND = 8;
const REACH_PX = 14;
const EDGE_PX = 14;

const byId = (id) => document.getElementById(id);
const canvas = byId("map");
const tip = byId("map-tip");
let columns = null;
let wanted = "";
let play = () => {};
let isLoading = false;
let shelf = null; // which sounds the map is of
let points = null; // {x, y, hit}: where each sound is on the canvas, and whether it fits the search
let ground = null; // the points that do not change with the music, drawn once
let isDirty = false;

/** Begin; `hear(id, name)` previews a sound. */
export function startMap(hear) {
  play = hear;
  watch("reset", () => { columns = null; redraw(); });
  watch("status", (status) => { if (status.state !== "loading") load(); });
  watch("shelf", load);
  watch("lanes", dirty);
  watch("pulse", dirty);
  onScheme(redraw);
  new ResizeObserver(redraw).observe(canvas.parentElement);
  byId("map-search").addEventListener("input", (event) => { wanted = event.target.value.trim().toLowerCase(); redraw(); find(); });
  canvas.addEventListener("pointermove", (event) => hover(nearest(event.offsetX, event.offsetY), event));
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  canvas.addEventListener("click", (event) => {
    const at = nearest(event.offsetX, event.offsetY);
    if (at !== null) play(columns.sound_id[at], columns.name[at]);
  });
}

async function load() {
  if (isLoading || (columns && shelf === get("shelf"))) return;
  isLoading = true;
  shelf = get("shelf");
  try {
    const answer = await fetch("/map.json", { headers: { "X-Timbrel-Token": token() } });
    const isThere = answer.ok;
    byId("map-section").classList.toggle("absent", !isThere);
    if (isThere) {
      columns = await answer.json();
      columns.at = new Map(columns.sound_id.map((id, at) => [id, at]));
      columns.text = columns.name.map((name, at) => `${name}\n${columns.sound_id[at]}`.toLowerCase());
      setText(byId("map-count"), `${columns.name.length} sounds`);
      redraw();
      find();
    }
  } catch { /* the daemon has gone; the next snapshot asks again */ }
  isLoading = false;
  if (shelf !== get("shelf")) load(); // it was built again meanwhile
}

const familyOf = (at) => columns.families[columns.family[at]];

function place() {
  const width = canvas.clientWidth - 2 * EDGE_PX;
  const height = canvas.clientHeight - 2 * EDGE_PX;
  return {
    x: Float32Array.from(columns.x, (x) => EDGE_PX + ((x + 1) / 2) * width),
    y: Float32Array.from(columns.y, (y) => EDGE_PX + ((1 - y) / 2) * height),
    hit: Uint8Array.from(columns.text, (text) => (text.includes(wanted) ? 1 : 0)),
  };
}

function redraw() {
  points = columns && canvas.clientWidth ? place() : null;
  ground = null;
  dirty();
}

function dirty() {
  if (isDirty) return;
  isDirty = true;
  requestAnimationFrame(() => { isDirty = false; draw(); });
}

function draw() {
  if (!points || !canvas.clientWidth) return;
  const ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth * ratio;
  const height = canvas.clientHeight * ratio;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  ground ??= drawGround(width, height, ratio);
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, width, height);
  pen.drawImage(ground, 0, 0);
  pen.save();
  pen.scale(ratio, ratio);
  drawHeard(pen);
  pen.restore();
}

function drawGround(width, height, ratio) {
  const layer = Object.assign(document.createElement("canvas"), { width, height });
  const pen = layer.getContext("2d");
  pen.scale(ratio, ratio);
  const size = columns.name.length > 5000 ? 1.5 : columns.name.length > 500 ? 3 : 5;
  const colours = columns.families.map((family) => [familyColour(family, 0.8), familyColour(family, 0.12)]);
  for (let at = 0; at < columns.name.length; at += 1) {
    pen.fillStyle = colours[columns.family[at]][1 - points.hit[at]];
    pen.fillRect(points.x[at] - size / 2, points.y[at] - size / 2, size, size);
  }
  return layer;
}

function drawHeard(pen) {
  const style = getComputedStyle(document.body);
  pen.font = `600 11px ${style.fontFamily}`;
  pen.textBaseline = "middle";
  const taken = []; // where names stand already
  for (const lane of get("lanes")?.lanes ?? []) {
    const presence = get("pulse")?.slots[lane.slot]?.[0] ?? 0.3;
    lane.sounds.forEach((sound, rank) => {
      const at = columns.at.get(sound.id);
      if (at === undefined) return;
      const [x, y] = [points.x[at], points.y[at]];
      pen.strokeStyle = familyColour(lane.family, rank ? 0.5 : 1);
      pen.lineWidth = rank ? 1 : 2;
      pen.beginPath();
      pen.arc(x, y, rank ? 6 : 7 + 7 * presence, 0, 2 * Math.PI);
      pen.stroke();
      if (rank) return;
      const half = pen.measureText(sound.name).width / 2;
      const middle = Math.min(canvas.clientWidth - half - 4, Math.max(half + 4, x));
      const isFree = (line) => taken.every((one) => Math.abs(one.line - line) > 12 || Math.abs(one.middle - middle) > one.half + half);
      const line = [y - 22, y + 22, y - 35, y + 35, y - 48].find((one) => one > 8 && one < canvas.clientHeight - 8 && isFree(one)) ?? y - 22;
      taken.push({ line, middle, half });
      pen.textAlign = "center";
      pen.lineWidth = 3;
      pen.strokeStyle = style.getPropertyValue("--panel");
      pen.strokeText(sound.name, middle, line);
      pen.fillStyle = style.getPropertyValue("--text");
      pen.fillText(sound.name, middle, line);
    });
  }
}

function nearest(left, top) {
  if (!points) return null;
  const { x, y, hit } = points;
  let best = null;
  let least = REACH_PX ** 2;
  for (let at = 0; at < x.length; at += 1) {
    const far = (x[at] - left) ** 2 + (y[at] - top) ** 2;
    if (far < least && hit[at]) {
      best = at;
      least = far;
    }
  }
  return best;
}

function hover(at, event) {
  canvas.style.cursor = at === null ? "" : "pointer";
  tip.hidden = at === null;
  if (at === null) return;
  setText(tip, `${columns.name[at]} · ${familyName(familyOf(at))}`);
  tip.style.insetInlineStart = `${Math.max(0, Math.min(event.offsetX + 10, canvas.clientWidth - 170))}px`;
  tip.style.insetBlockStart = `${event.offsetY + 14}px`;
}

function find() {
  const found = [];
  for (let at = 0; wanted && points && at < points.hit.length && found.length < MOST_FOUND; at += 1) {
    if (points.hit[at]) found.push(at);
  }
  byId("map-found").replaceChildren(...found.map((at) => {
    const line = make("li");
    const button = make("button", "quiet", columns.name[at]);
    button.type = "button";
    button.title = "Preview";
    button.append(make("span", "dim", familyName(familyOf(at))));
    button.addEventListener("click", () => play(columns.sound_id[at], columns.name[at]));
    line.append(button);
    return line;
  }));
}
