// Draw the bus: state, level, latency, missed hops, and the window that is being heard.

import { get, watch } from "./store.js";
import { make, setText } from "./text.js";
import { onScheme } from "./families.js";

const NAMES = {
  loading: "loading", listening: "listening", silent: "silent", "no-device": "no device", degraded: "degraded",
  disabled: "off", stopped: "ended",
};
const FLOOR_DB = -60;
const KEPT_TIMES = 120; // a minute at the usual hop

const byId = (id) => document.getElementById(id);
const pill = byId("state");
const sentence = byId("sentence");
const canvas = byId("picture");
const isDark = matchMedia("(prefers-color-scheme: dark)");
const times = [];
let focus = 0; // of several buses

/** Begin to draw. */
export function startBus() {
  for (const section of ["status", "lanes"]) watch(section, () => { if (get("status")) drawState(get("status")); });
  watch("bus", (bus) => { setText(byId("input"), bus.input); byId("input").title = bus.input; });
  watch("buses", (buses) => { if (buses.focus !== focus) { focus = buses.focus; times.length = 0; } });
  watch("pulse", beat);
  watch("picture", drawPicture);
  onScheme(() => drawPicture(get("picture")));
  document.addEventListener("timbrel-link", (event) => drawLink(event.detail));
}

function drawState(status) {
  if (document.body.dataset.link === "closed") return;
  document.body.dataset.state = status.state;
  setText(pill, NAMES[status.state] ?? status.state);
  // Where no lane shows, what to do stands in their place.
  const isEmpty = document.body.classList.contains("hears-nothing");
  setText(sentence, (isEmpty ? status.text || status.advice : status.advice || status.text));
  sentence.title = status.text;
  document.title = status.state === "listening" ? "Timbrel" : `Timbrel: ${NAMES[status.state] ?? status.state}`;
}

function drawLink({ state, why }) {
  if (state === "open") {
    if (get("status")) drawState(get("status"));
    return;
  }
  document.body.dataset.state = "offline";
  setText(pill, state === "closed" ? "offline" : "connecting");
  if (state === "closed") {
    setText(sentence, `${why ? `Timbrel ended (${why}).` : "Timbrel does not answer."} Start it again: this page connects by itself.`);
  }
}

function beat(pulse) {
  const share = (db) => `${Math.max(0, Math.min(100, 100 * (1 - db / FLOOR_DB)))}%`;
  byId("level").style.inlineSize = share(pulse.level_db);
  byId("peak").style.insetInlineStart = share(pulse.peak_db);
  byId("peak").hidden = pulse.peak_db <= FLOOR_DB;
  byId("meter").setAttribute("aria-valuenow", String(Math.max(FLOOR_DB, pulse.level_db)));
  byId("meter").classList.toggle("hot", pulse.peak_db > -0.3);
  setText(byId("level-text"), pulse.level_db <= -119 ? "silent" : `${pulse.level_db.toFixed(0)} dB`);
  if (!pulse.skipped) {
    times.push(pulse.timing.total);
    if (times.length > KEPT_TIMES) times.shift();
  }
  const sorted = [...times].sort((a, b) => a - b);
  setText(byId("latency"), sorted.length ? `${sorted[sorted.length >> 1].toFixed(0)} ms` : "-");
  setText(byId("missed"), String(pulse.missed));
}

function drawPicture(picture) {
  canvas.classList.toggle("empty", !picture);
  if (!picture) return;
  const { rows, columns } = picture;
  const shades = Uint8Array.from(atob(picture.data), (letter) => letter.charCodeAt(0));
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(columns, rows);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const at = 4 * ((rows - 1 - row) * columns + column); // the lowest band lies at the bottom
      image.data.set(shade(shades[row * columns + column] / 255), at);
    }
  }
  pen.putImageData(image, 0, 0);
  const marks = picture.marks.map(([hz, row]) => {
    const mark = make("span", "", hz >= 1000 ? `${hz / 1000}k` : String(hz));
    mark.style.insetBlockEnd = `${(100 * row) / rows}%`;
    return mark;
  });
  byId("marks").replaceChildren(...marks);
}

// From the paper of the page to amber: silence is no colour, loud is bright in the dark and deep in the light.
function shade(value) {
  const v = Math.max(0, value - 0.22) ** 1.7 * 1.5;
  if (isDark.matches) return [24 + 222 * v, 25 + 150 * v, 29 + 40 * v, 255];
  return [246 - 130 * v, 244 - 190 * v, 238 - 226 * v, 255];
}
