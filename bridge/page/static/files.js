// Save the session and the present suggestions as files.

import { get } from "./store.js";
import { allSpans } from "./strip.js";

const byId = (id) => document.getElementById(id);

/** Begin. */
export function startFiles() {
  byId("save-json").addEventListener("click", () => save("timbrel-session.json", "application/json", sessionJson()));
  byId("save-csv").addEventListener("click", () => save("timbrel-session.csv", "text/csv", sessionCsv()));
  byId("save-snapshot").addEventListener("click", () => save("timbrel-now.json", "application/json", nowJson()));
}

// The names of several buses by their number, which spans carry; undefined where there is one.
const busNames = () => get("buses")?.list.map((bus) => bus.input);

const when = () => new Date().toISOString();

function sessionJson() {
  return JSON.stringify({ format: 1, saved: when(), session: get("session"), bus: get("bus"), buses: busNames(), spans: allSpans() }, null, 1);
}

function sessionCsv() {
  const began = get("session").began;
  const time = (second) => new Date(1000 * (began + second)).toISOString();
  const names = busNames();
  const rows = allSpans().map((span) => [
    time(span.from), span.from, span.to, span.slot, span.family, span.name, span.sound, span.presence,
    ...(names ? [names[span.bus]] : []),
  ]);
  const head = ["time", "from_s", "to_s", "slot", "family", "name", "sound_id", "presence", ...(names ? ["bus"] : [])];
  return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

// As RFC 4180 has it; a leading = + - @ would be a formula for a spreadsheet.
function cell(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function nowJson() {
  const pulse = get("pulse");
  const lanes = (get("lanes")?.lanes ?? []).map((lane) => {
    const [presence = null, since = null] = pulse?.slots[lane.slot] ?? [];
    return { ...lane, presence, since_s: since };
  });
  return JSON.stringify({ format: 1, saved: when(), status: get("status"), bus: get("bus"), list: get("lanes")?.list, lanes }, null, 1);
}

function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
