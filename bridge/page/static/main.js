// Put the page together.

import { connect, send } from "./socket.js";
import { get } from "./store.js";
import { startBus } from "./bus.js";
import { startBuses } from "./buses.js";
import { startControls } from "./controls.js";
import { startFiles } from "./files.js";
import { startKeys } from "./keys.js";
import { findSound, markPlaying, startLanes } from "./lanes.js";
import { answerLibrary, startLibrary } from "./library.js";
import { startMap } from "./map.js";
import { startPlayer, toggle } from "./player.js";
import { startSettings } from "./settings.js";
import { startStrip } from "./strip.js";
import { tell } from "./toasts.js";

const laneOf = (slot) => get("lanes")?.lanes.find((lane) => lane.slot === slot);

// What buttons and keys ask for; without a sound the best of the lane is meant.
function act(action, slot, id) {
  const lane = laneOf(slot);
  const sound = id ? findSound(slot, id) : lane?.sounds[0];
  if (action === "lock") send("lock", { slot, on: !lane?.locked });
  else if (!sound) tell({ kind: "error", text: "This sound is no longer offered." });
  else if (action === "choose") send("choose", { slot, sound: sound.id });
  else if (action === "skip") send("reject", { slot, sound: sound.id });
  else if (action === "like") send("like", { slot, sound: sound.id, on: !sound.liked });
  else if (action === "preview" && sound.preview) toggle(sound.id, sound.name);
  else if (action === "preview") tell({ kind: "error", text: `${sound.name} has no audio of its own; choose loads it in your DAW.` });
}

startBus();
startBuses();
startLanes(act);
startControls();
startSettings();
startPlayer(markPlaying, (text) => tell({ kind: "error", text }));
startStrip();
startFiles();
startMap(toggle);
startLibrary();
startKeys(act);
connect((event) => answerLibrary(event) || tell(event));
