// Choose among several buses: a button for each, with how many instruments it hears; nothing where there is one.

import { get, watch } from "./store.js";
import { send } from "./socket.js";
import { make, setText } from "./text.js";

const STATES = { loading: "loading", silent: "silent", "no-device": "no device", degraded: "degraded", disabled: "off", stopped: "ended" };
const root = document.getElementById("buses");
const help = document.getElementById("help-buses");

/** Begin. */
export function startBuses() {
  watch("reset", () => show(false));
  watch("buses", draw);
}

/** Move the focus to a bus by its number from 1, as its key does; false where there is none. */
export function focusBus(number) {
  const buses = get("buses")?.list ?? [];
  return number >= 1 && number <= buses.length && send("focus", { bus: number - 1 });
}

function show(isShown) {
  root.hidden = !isShown;
  help.hidden = !isShown;
}

// The buttons stay the same elements, so that the one with the keyboard's focus keeps it.
function draw({ focus, list }) {
  while (root.children.length > list.length) root.lastElementChild.remove();
  while (root.children.length < list.length) root.append(newButton(root.children.length));
  const names = shortNames(list.map((bus) => bus.input));
  list.forEach((bus, number) => {
    const element = root.children[number];
    const [name, hears] = element.children;
    const state = bus.state === "listening" ? "" : STATES[bus.state] ?? bus.state;
    setText(name, names[number]);
    setText(hears, state || String(bus.heard));
    element.dataset.state = bus.state;
    element.title = `${bus.input}: ${bus.text}`;
    element.setAttribute("aria-pressed", String(number === focus));
    element.setAttribute("aria-label", `${names[number]}: ${state || `hears ${bus.heard} instrument${bus.heard === 1 ? "" : "s"}`}`);
  });
  show(true);
}

function newButton(number) {
  const element = make("button", "bus-button");
  element.type = "button";
  element.append(make("span", "name"), make("span", "hears"));
  if (number < 9) element.setAttribute("aria-keyshortcuts", String(number + 1));
  element.addEventListener("click", () => send("focus", { bus: number }));
  return element;
}

// What tells buses apart: the file of a path, the ports of a pattern; the whole name where two would be the same.
function shortNames(inputs) {
  const short = inputs.map((input) => {
    if (input.startsWith("file:")) return input.slice(5).replace(/,loop$/, "").split(/[\\/]/).pop();
    if (input.startsWith("jack:")) return input.slice(5).replace(/\.\*$/, "").replaceAll("\\", "");
    return input;
  });
  return short.map((name, at) => (name && short.indexOf(name) === short.lastIndexOf(name) ? name : inputs[at]));
}
