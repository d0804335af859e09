// Do everything by keys.

import { focusBus } from "./buses.js";
import { activeRow, move } from "./lanes.js";
import { stop } from "./player.js";
import { toggleAuto } from "./controls.js";
import { send } from "./socket.js";

const help = document.getElementById("help");

/** Begin; `act(action, slot, sound)` does what is asked for with a row. */
export function startKeys(act) {
  document.getElementById("help-open").addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.key === "Escape") {
      stop();
      return;
    }
    const isTyping = event.target.closest("input, select, textarea");
    const isButton = event.target.closest("button, a, summary");
    if (isTyping || (isButton && [" ", "Enter"].includes(event.key))) return;
    const done = press(event.key, act);
    if (done) event.preventDefault();
  });
}

function press(key, act) {
  const row = activeRow();
  const withRow = (action) => row && act(action, row.slot, row.sound);
  const actions = {
    ArrowDown: () => move(1, 0),
    ArrowUp: () => move(-1, 0),
    ArrowRight: () => move(0, 1),
    ArrowLeft: () => move(0, -1),
    " ": () => withRow("preview"),
    Enter: () => withRow("choose"),
    l: () => withRow("lock"),
    x: () => withRow("skip"),
    f: () => withRow("like"),
    u: () => send("undo"),
    a: toggleAuto,
    "/": () => document.getElementById("map-search").focus(),
    "?": () => help.showModal(),
  };
  if (/^[1-9]$/.test(key)) return focusBus(Number(key));
  const action = actions[key.length === 1 ? key.toLowerCase() : key];
  if (!action) return false;
  action();
  return true;
}
