// Tell what became of a command: for some seconds as a toast, for good in the log.

import { make } from "./text.js";

const SHOWN_MS = 6000;
const MOST_SHOWN = 3;
const MOST_LOGGED = 200;

const toasts = document.getElementById("toasts");
const log = document.getElementById("log");

/** Take an event of the daemon, or one of our own: {kind, text, result, adapter, code}. */
export function tell(event) {
  const kind = event.kind === "chosen" ? event.result : event.kind;
  const head = event.kind === "chosen" ? `${event.adapter}: ` : "";
  const text = `${head}${event.text}`;
  const line = make("li", kind);
  line.append(make("time", "dim", new Date().toTimeString().slice(0, 8)), ` ${text}`);
  log.prepend(line);
  while (log.children.length > MOST_LOGGED) log.lastChild.remove();
  if (event.kind === "note" || event.kind === "bye") return;
  const toast = make("div", `toast ${kind}`, text);
  toasts.append(toast);
  while (toasts.children.length > MOST_SHOWN) toasts.firstChild.remove();
  setTimeout(() => toast.remove(), SHOWN_MS);
}
