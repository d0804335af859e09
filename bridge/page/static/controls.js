// Target, bus and switches: show what is set, send what is to be set.

import { get, watch } from "./store.js";
import { send } from "./socket.js";
import { setText } from "./text.js";

const byId = (id) => document.getElementById(id);
const adapter = byId("adapter");
const track = byId("track");

/** Begin. */
export function startControls() {
  watch("targets", drawTargets);
  watch("switches", drawSwitches);
  byId("undo").addEventListener("click", () => send("undo"));
  byId("auto").addEventListener("click", toggleAuto);
  byId("enabled").addEventListener("click", () => send("enable", { on: !get("switches")?.enabled }));
  adapter.addEventListener("change", () => drawTrack(true));
  byId("target").addEventListener("submit", (event) => {
    event.preventDefault();
    send("target", { adapter: adapter.value, track: track.value.trim() });
  });
  byId("bus").addEventListener("submit", (event) => {
    event.preventDefault();
    if (byId("bus-name").value.trim()) send("bus", { input: byId("bus-name").value.trim() });
  });
}

/** Switch loading by itself on or off. */
export const toggleAuto = () => send("auto", { on: !get("switches")?.auto });

function drawSwitches(switches) {
  byId("auto").setAttribute("aria-pressed", String(switches.auto));
  byId("enabled").setAttribute("aria-pressed", String(switches.enabled));
}

function drawTargets({ adapters }) {
  const isOpen = document.activeElement === adapter;
  const picked = adapter.value;
  const options = adapters.map((one) => new Option(`${one.name}${one.state ? ` (${one.state})` : ""}`, one.name));
  const texts = options.map((option) => option.text).join("\n");
  if ([...adapter.options].map((option) => option.text).join("\n") !== texts) adapter.replaceChildren(...options);
  const current = adapters.find((one) => one.current);
  adapter.value = isOpen && picked ? picked : current?.name ?? "";
  drawTrack(false);
}

function drawTrack(isPicked) {
  const { adapters, channel } = get("targets");
  const one = adapters.find((each) => each.name === adapter.value);
  if (!one) return;
  if (isPicked || document.activeElement !== track) track.value = one.track;
  track.placeholder = one.state ? "usual" : `channel ${channel}`;
  byId("tracks").replaceChildren(...one.tracks.map(([, name]) => new Option(name)));
  const state = [one.state, one.version].filter(Boolean).join(" ");
  setText(byId("adapter-note"), [state, one.doc].filter(Boolean).join(": "));
}
