// Play previews in the browser: one at a time, one fading into the next.

import { token } from "./socket.js";

const FADE_S = 0.015;
const KEPT = 40;

const bar = document.getElementById("player");
const nameText = document.getElementById("player-name");
const progress = document.getElementById("player-at");
const volume = document.getElementById("volume");
const buffers = new Map(); // decoded, by sound id; the one not heard for longest is dropped
let context = null;
let master = null;
let voice = null; // {source, gain, id, startedAt}
let wanted = "";
let onChange = () => {};
let onFail = () => {};

/** Begin; `change(id)` is called with the sound that plays, "" for none, `fail(text)` when one can't be played. */
export function startPlayer(change, fail) {
  onChange = change;
  onFail = fail;
  volume.value = localStorage.getItem("timbrel-volume") ?? "0.8";
  volume.addEventListener("input", () => {
    localStorage.setItem("timbrel-volume", volume.value);
    if (master) master.gain.value = Number(volume.value) ** 2;
  });
  document.getElementById("player-stop").addEventListener("click", stop);
}

/** Play a sound by its id, or stop it when it plays already. */
export async function toggle(id, name) {
  if (wanted === id) {
    stop();
    return;
  }
  wanted = id;
  bar.hidden = false;
  nameText.textContent = name;
  try {
    open();
    await context.resume();
    const buffer = await load(id);
    if (wanted === id) begin(id, buffer);
  } catch (error) {
    if (wanted === id) stop();
    onFail(error.message);
  }
}

/** Be silent. */
export function stop() {
  wanted = "";
  release();
  show("stopped");
  onChange("");
}

function open() {
  if (context) return;
  context = new AudioContext({ latencyHint: "interactive" });
  master = context.createGain();
  master.gain.value = Number(volume.value) ** 2;
  master.connect(context.destination);
}

async function load(id) {
  const known = buffers.get(id);
  if (known) {
    buffers.delete(id);
    buffers.set(id, known);
    return known;
  }
  const answer = await fetch(`/preview/${encodeURIComponent(id)}`, { headers: { "X-Timbrel-Token": token() } });
  if (!answer.ok) throw new Error(await answer.text());
  const buffer = await context.decodeAudioData(await answer.arrayBuffer());
  buffers.set(id, buffer);
  if (buffers.size > KEPT) buffers.delete(buffers.keys().next().value);
  return buffer;
}

function begin(id, buffer) {
  release();
  const source = context.createBufferSource();
  const gain = context.createGain();
  source.buffer = buffer;
  source.connect(gain).connect(master);
  gain.gain.setValueAtTime(0, context.currentTime);
  gain.gain.linearRampToValueAtTime(1, context.currentTime + FADE_S);
  source.start();
  voice = { source, gain, id, startedAt: context.currentTime };
  source.addEventListener("ended", () => {
    if (voice?.source === source) {
      voice = null;
      stop();
    }
  });
  bar.dataset.frames = buffer.length;
  show("playing");
  onChange(id);
  tick();
}

function release() {
  if (!voice) return;
  const { source, gain } = voice;
  voice = null;
  gain.gain.cancelScheduledValues(context.currentTime);
  gain.gain.setTargetAtTime(0, context.currentTime, FADE_S / 3);
  source.stop(context.currentTime + 3 * FADE_S);
}

function show(state) {
  bar.dataset.state = state;
  bar.dataset.audio = context?.state ?? "none";
  if (state === "stopped") progress.value = 0;
}

function tick() {
  if (!voice) return;
  progress.value = Math.min(1, (context.currentTime - voice.startedAt) / voice.source.buffer.duration);
  requestAnimationFrame(tick);
}
