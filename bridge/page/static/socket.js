// Keep one WebSocket to the daemon: take what it tells, send commands, connect again by itself.

import { apply } from "./store.js";

const FORMAT = 1;
const PROTOCOL = "timbrel-1";
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 8000;

const meta = document.querySelector('meta[name="timbrel-token"]');
let socket = null;
let waitMs = FIRST_WAIT_MS;
let requests = 0;
let onEvent = () => {};
let ended = "";

/** The token of this run of the daemon. */
export const token = () => meta.content;

/** Begin; `take` gets each event. */
export function connect(take) {
  onEvent = take;
  open();
}

/** Send a command; returns false when nobody is there to take it. */
export function send(command, fields = {}) {
  if (socket?.readyState !== WebSocket.OPEN) {
    onEvent({ kind: "error", text: "Timbrel does not answer; nothing was sent." });
    return false;
  }
  requests += 1;
  socket.send(JSON.stringify({ do: command, id: requests, ...fields }));
  return true;
}

function open() {
  setLink("connecting");
  socket = new WebSocket(`ws://${location.host}/ws`, [PROTOCOL, token()]);
  socket.addEventListener("open", () => { ended = ""; setLink("open"); });
  socket.addEventListener("message", (message) => take(JSON.parse(message.data)));
  socket.addEventListener("close", () => {
    setLink("closed", ended);
    setTimeout(again, waitMs * (0.8 + 0.4 * Math.random()));
    waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 1.6);
  });
}

function take(message) {
  if (message.v !== FORMAT) {
    location.reload();
    return;
  }
  if (message.type === "state") {
    waitMs = FIRST_WAIT_MS;
    document.body.dataset.dropped = message.dropped;
    apply(message.changed, message.from === 0);
    document.body.dataset.version = message.version;
  } else {
    if (message.kind === "bye") ended = message.text;
    onEvent(message);
  }
}

// A daemon that was started again has another token, which its page holds.
async function again() {
  try {
    const page = new DOMParser().parseFromString(await (await fetch("/", { cache: "no-store" })).text(), "text/html");
    meta.content = page.querySelector('meta[name="timbrel-token"]').content;
    open();
  } catch {
    setTimeout(again, waitMs);
    waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 1.6);
  }
}

function setLink(state, why = "") {
  document.body.dataset.link = state;
  document.dispatchEvent(new CustomEvent("timbrel-link", { detail: { state, why } }));
}
