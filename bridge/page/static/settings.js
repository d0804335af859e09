// How much is heard, the inputs of this machine, and keeping what is set.

import { get, watch } from "./store.js";
import { send } from "./socket.js";
import { make, setText } from "./text.js";

const SEND_MS = 100; // while a slider moves; the daemon takes 50 messages a second

const byId = (id) => document.getElementById(id);
const inputs = byId("inputs");
const found = byId("inputs-found");
const note = byId("inputs-note");
const keep = byId("keep");

/** Begin. */
export function startSettings() {
  const threshold = slider("threshold", (value, { calibrated }) =>
    value === calibrated.toFixed(2) ? `${value}, as calibrated` : `${value}, calibrated ${calibrated.toFixed(2)}`);
  const stability = slider("stability", (value, { usual }) =>
    value === usual.toFixed(2) ? `${value}, as usual` : value);
  byId("threshold-reset").addEventListener("click", () => send("threshold", { value: null }));
  byId("stability-reset").addEventListener("click", () => send("stability", { value: get("tuning").usual }));
  watch("tuning", (tuning) => {
    threshold(tuning.threshold, !tuning.set);
    stability(tuning.stability, tuning.stability === tuning.usual);
  });
  watch("session", ({ kept }) => {
    keep.disabled = !kept;
    setText(byId("keep-note"), kept ? `Writes target, input, auto, threshold and stability to ${kept}. Nothing is written by itself.` : "The demo keeps no settings: start timbrel run.");
  });
  keep.addEventListener("click", () => send("keep"));
  inputs.addEventListener("toggle", look);
  watch("inputs", drawInputs);
  watch("bus", markInput);
}

// Return what draws a slider as the daemon tells it; what moves it is sent a few times a second.
function slider(name, say) {
  const input = byId(name);
  const reset = byId(`${name}-reset`);
  let waiting = null;
  const draw = () => {
    const text = say(Number(input.value).toFixed(2), get("tuning"));
    setText(byId(`${name}-text`), text);
    input.setAttribute("aria-valuetext", text);
  };
  const sendNow = () => {
    waiting = null;
    send(name, { value: Number(input.value) });
  };
  input.addEventListener("input", () => {
    draw();
    waiting ??= setTimeout(sendNow, SEND_MS);
  });
  return (value, isUsual) => {
    input.disabled = false;
    reset.disabled = isUsual;
    if (waiting || input.matches(":active")) return; // the hand that moves it knows better
    input.value = value;
    draw();
  };
}

// Look anew each time the list is opened.
function look() {
  if (!inputs.open) return;
  setText(note, "Looking…");
  send("inputs");
}

function drawInputs({ choices, problem }) {
  setText(note, problem || (choices.length ? "" : "No sound card and no audio server offers an input here."));
  found.replaceChildren(...choices.map(inputRow));
  markInput(get("bus"));
}

function inputRow({ input, name, system, channels, rate, default: isDefault }) {
  const row = make("li");
  const pick = make("button");
  pick.type = "button";
  pick.dataset.input = input;
  const about = [isDefault ? `${system} (default)` : system, `${channels} ch`, `${rate / 1000} kHz`].join(" · ");
  pick.append(make("span", "name", name), make("span", "dim small", about));
  pick.addEventListener("click", () => {
    if (!send("bus", { input })) return;
    inputs.open = false;
    inputs.querySelector("summary").focus();
  });
  row.append(pick);
  return row;
}

function markInput(bus) {
  for (const pick of found.querySelectorAll("button")) {
    if (pick.dataset.input === bus?.input) pick.setAttribute("aria-current", "true");
    else pick.removeAttribute("aria-current");
  }
}
