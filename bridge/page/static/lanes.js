// Draw one lane for each instrument that is heard; lanes and rows stay the same elements while they last.

import { get, watch } from "./store.js";
import { familyIcon, familyName, onScheme, paint } from "./families.js";
import { clock, make, percent, programText, setText } from "./text.js";

const root = document.getElementById("lanes");
const nothing = document.getElementById("nothing");
const spoken = document.getElementById("spoken");
const lanes = new Map(); // by slot
let act = () => {};
let active = null; // {slot, sound}: the row that keys act on
let said = "";

/** Begin to draw; `handle(action, slot, sound)` takes what buttons ask for. */
export function startLanes(handle) {
  act = handle;
  watch("lanes", draw);
  watch("pulse", beat);
  watch("status", drawNothing);
  watch("loaded", markLoaded);
  onScheme(() => { for (const lane of lanes.values()) paint(lane.element, lane.family); });
  root.addEventListener("focusin", (event) => {
    const row = event.target.closest(".sound");
    if (row) setActive(row.dataset.slot, row.dataset.sound);
  });
}

/** Return the row that keys act on: {slot, sound}, or null. */
export const activeRow = () => active;

/** Return what the daemon told about a sound of a lane. */
export const findSound = (slot, id) =>
  get("lanes")?.lanes.find((lane) => lane.slot === slot)?.sounds.find((sound) => sound.id === id);

/** Show which sound plays: by its id, "" for none. */
export function markPlaying(id) {
  for (const row of root.querySelectorAll(".sound")) row.classList.toggle("playing", row.dataset.sound === id);
}

// The sound that was loaded last stays marked wherever it is offered.
function markLoaded({ sound }) {
  for (const row of root.querySelectorAll(".sound")) row.classList.toggle("loaded", row.dataset.sound === sound);
}

/** Move the focus by rows, or by lanes. */
export function move(byRows, byLanes) {
  const rows = [...root.querySelectorAll(".sound")];
  if (!rows.length) return;
  const at = rows.findIndex(isActive);
  if (at < 0) {
    rows[0].focus();
    return;
  }
  let next = rows[Math.min(rows.length - 1, Math.max(0, at + byRows))];
  if (byLanes) {
    const all = [...root.children];
    const lane = all[Math.min(all.length - 1, Math.max(0, all.indexOf(rows[at].closest(".lane")) + byLanes))];
    next = lane.querySelector(".sound") ?? next;
  }
  next.focus();
}

function draw(section) {
  const focused = document.activeElement?.closest?.(".sound");
  const before = [...root.querySelectorAll(".sound")].indexOf(focused);
  const wanted = new Set(section.lanes.map((lane) => lane.slot));
  for (const [slot, lane] of lanes) {
    if (!wanted.has(slot)) {
      lane.element.remove();
      lanes.delete(slot);
    }
  }
  section.lanes.forEach((told, place) => {
    if (!lanes.has(told.slot)) lanes.set(told.slot, newLane(told.slot));
    const lane = lanes.get(told.slot);
    if (root.children[place] !== lane.element) root.insertBefore(lane.element, root.children[place] ?? null);
    drawLane(lane, told);
  });
  keepFocus(focused, before);
  const pulse = get("pulse");
  if (pulse) beat(pulse);
  drawNothing();
  say(section);
}

function newLane(slot) {
  const element = make("article", "lane");
  const head = make("header");
  const icon = make("span", "icon");
  const names = make("div", "names");
  const name = make("h3");
  const family = make("span", "family dim");
  names.append(name, family);
  const presence = make("div", "presence");
  presence.title = "How likely it is that an instrument plays here (not that its name is right), and since when";
  const bar = make("div", "bar");
  bar.setAttribute("role", "meter");
  bar.setAttribute("aria-valuemin", "0");
  bar.setAttribute("aria-valuemax", "100");
  const fill = make("div", "fill");
  bar.append(fill);
  const share = make("output");
  const since = make("span", "since dim");
  presence.append(bar, share, since);
  const buttons = make("div", "buttons");
  const lock = button("Lock", "lock", () => act("lock", slot));
  const like = button("Like", "like", () => act("like", slot));
  const skip = button("Skip", "quiet", () => act("skip", slot));
  buttons.append(lock, like, skip);
  head.append(icon, names, presence, buttons);
  const list = make("ol", "sounds");
  element.append(head, list);
  return { slot, element, icon, name, family: null, familyText: family, bar, fill, share, since, lock, like, skip, list, rows: new Map() };
}

function drawLane(lane, told) {
  const best = told.sounds[0];
  if (lane.family !== told.family) {
    lane.family = told.family;
    paint(lane.element, told.family);
    lane.icon.replaceChildren(familyIcon(told.family));
    setText(lane.familyText, familyName(told.family));
  }
  setText(lane.name, best?.name ?? "?");
  lane.element.setAttribute("aria-label", `Instrument ${told.slot}: ${best?.name ?? "unknown"}`);
  lane.element.classList.toggle("locked", told.locked);
  setText(lane.lock, told.locked ? "Unlock" : "Lock");
  lane.lock.setAttribute("aria-pressed", String(told.locked));
  lane.lock.title = told.locked ? "Let it follow the music again (l)" : "Keep these sounds as they are (l)";
  setText(lane.like, best?.liked ? "Liked" : "Like");
  lane.like.setAttribute("aria-pressed", String(Boolean(best?.liked)));
  lane.like.title = best?.liked ? `No longer like ${best.name} (f)` : `Like ${best?.name ?? "it"}: it counts more from now on (f)`;
  lane.skip.title = `Offer ${best?.name ?? "it"} no more while this plays (x)`;
  lane.bar.setAttribute("aria-label", `Presence of ${best?.name ?? "it"}`);
  const wanted = new Set(told.sounds.map((sound) => sound.id));
  for (const [id, row] of lane.rows) {
    if (!wanted.has(id)) {
      row.element.remove();
      lane.rows.delete(id);
    }
  }
  told.sounds.forEach((sound, place) => {
    if (!lane.rows.has(sound.id)) lane.rows.set(sound.id, newRow(told.slot, sound));
    const row = lane.rows.get(sound.id);
    if (lane.list.children[place] !== row.element) lane.list.insertBefore(row.element, lane.list.children[place] ?? null);
    drawRow(row, sound, place);
  });
}

function newRow(slot, sound) {
  const element = make("li", "sound");
  element.tabIndex = -1;
  element.dataset.slot = slot;
  element.dataset.sound = sound.id;
  const score = make("span", "score");
  score.title = "Cosine between this sound and what is heard; the order also weighs what was heard over seconds";
  const name = make("span", "name", sound.name);
  const about = make("span", "about dim");
  const hear = button("", "play", () => act("preview", slot, sound.id));
  const choose = button("Choose", "choose", () => act("choose", slot, sound.id));
  const words = make("span", "words");
  words.append(name, about);
  element.append(score, words, hear, choose);
  element.addEventListener("dblclick", () => act("choose", slot, sound.id));
  return { element, score, name, about, hear, choose };
}

function drawRow(row, sound, place) {
  const parts = [sound.liked && "liked", sound.kind, programText(sound.program), sound.path].filter(Boolean);
  const score = sound.score.toFixed(2);
  setText(row.score, score);
  setText(row.about, parts.join(" · "));
  row.about.title = sound.path;
  row.element.setAttribute("aria-label", `${sound.name}, match ${score}, ${parts.slice(0, sound.liked ? 3 : 2).join(", ")}, place ${place + 1}`);
  row.hear.disabled = !sound.preview;
  row.hear.title = sound.preview ? "Preview (Space)" : "It has no audio of its own";
  row.hear.setAttribute("aria-label", `Preview ${sound.name}`);
  row.choose.title = "Load it in your DAW (Enter)";
  row.choose.setAttribute("aria-label", `Choose ${sound.name}`);
  row.element.classList.toggle("loaded", get("loaded")?.sound === sound.id);
}

function beat(pulse) {
  for (const lane of lanes.values()) {
    const heard = pulse.slots[lane.slot];
    lane.element.classList.toggle("away", !heard);
    lane.fill.style.inlineSize = heard ? percent(heard[0]).replace(" ", "") : "0";
    setText(lane.share, heard ? `${percent(heard[0])} present` : "held");
    setText(lane.since, heard ? clock(heard[1]) : "");
    lane.bar.setAttribute("aria-valuenow", heard ? String(Math.round(100 * heard[0])) : "0");
  }
}

function drawNothing() {
  const isEmpty = lanes.size === 0;
  nothing.hidden = !isEmpty;
  document.body.classList.toggle("hears-nothing", isEmpty);
  if (isEmpty) setText(nothing, get("status")?.advice || "Nothing is recognised yet.");
}

function button(label, className, onClick) {
  const element = make("button", className, label);
  element.type = "button";
  element.addEventListener("click", onClick);
  return element;
}

const isActive = (row) => active && row.dataset.slot === String(active.slot) && row.dataset.sound === active.sound;

function setActive(slot, sound) {
  active = { slot: Number(slot), sound };
  for (const row of root.querySelectorAll(".sound")) row.tabIndex = isActive(row) ? 0 : -1;
}

// A row that had the focus keeps it where it moved to; where it is gone, the row in its place gets it.
function keepFocus(focused, before) {
  const rows = [...root.querySelectorAll(".sound")];
  if (!rows.length) active = null;
  else if (!rows.some(isActive)) {
    const next = rows[Math.min(Math.max(0, before), rows.length - 1)];
    setActive(next.dataset.slot, next.dataset.sound);
  }
  if (focused && active && !document.activeElement?.closest?.(".sound")) rows.find(isActive)?.focus();
}

function say(section) {
  const names = section.lanes.map((lane) => lane.sounds[0]?.name).filter(Boolean).join(", ");
  if (names !== said) {
    said = names;
    setText(spoken, names ? `Heard: ${names}` : "Nothing is heard");
  }
}
