// Show the library in use in a view of its own, build it again from there, and tell how far the build is.

import { familyColour, familyName } from "./families.js";
import { get, watch } from "./store.js";
import { send } from "./socket.js";
import { make, setText } from "./text.js";

const HASH = "#library";
const COMMANDS = new Set(["library", "rescan", "add-folder", "cancel-build"]);

const byId = (id) => document.getElementById(id);
const view = byId("library");
const instruments = byId("instruments");
const folder = byId("folder");
const said = byId("library-said");

/** Begin; before the other keys, which rest while this view is open. */
export function startLibrary() {
  addEventListener("hashchange", show);
  document.addEventListener("keydown", press);
  document.addEventListener("timbrel-link", ({ detail }) => { if (detail.state !== "open") drawBuild(undefined); });
  byId("rescan").addEventListener("click", () => ask("rescan"));
  byId("cancel-build").addEventListener("click", () => ask("cancel-build"));
  byId("add-folder").addEventListener("submit", (event) => {
    event.preventDefault();
    if (folder.value.trim()) ask("add-folder", { path: folder.value.trim() });
  });
  watch("library", draw);
  watch("build", drawBuild);
  watch("report", (is) => { byId("report-open").hidden = !is; });
  show();
}

/** Take an answer to what this view asked for; returns whether it was one. */
export function answerLibrary(event) {
  if (event.kind !== "error" || !COMMANDS.has(event.do)) return false;
  setText(said, event.text);
  return true;
}

const isOpen = () => location.hash === HASH;

function ask(command, fields) {
  setText(said, "");
  send(command, fields);
}

function show() {
  const was = !view.hidden;
  view.hidden = !isOpen();
  instruments.hidden = isOpen();
  byId("library-open").toggleAttribute("aria-current", isOpen());
  document.title = isOpen() ? "Library - Timbrel" : "Timbrel";
  if (isOpen()) {
    if (get("library")) send("library");
    byId("library-title").focus();
    scrollTo(0, 0);
  } else if (was && location.hash === "") byId("library-open").focus();
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const isTyping = event.target.closest("input, select, textarea");
  const toggles = (event.key.toLowerCase() === "b" && !isTyping) || (event.key === "Escape" && isOpen());
  if (isOpen() || toggles) event.stopImmediatePropagation();
  if (!toggles) return;
  event.preventDefault();
  location.hash = isOpen() ? "" : HASH;
}

function draw(library) {
  if (library.state === "unread" && isOpen()) send("library");
  const { name, path, built_in: isBuiltIn, sounds, built, folders } = library;
  setText(byId("library-name"), name);
  setText(byId("library-path"), path);
  setText(byId("library-sounds"), sounds === undefined ? "" : `${count(sounds, "sound")}, ${count(library.error_count, "error")}`);
  setText(byId("library-built"), built ? `built ${new Date(1000 * built).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}` : "");
  setText(byId("library-state"), { reading: "Reading the library ...", failed: library.text }[library.state] ?? "");
  byId("library-fixed").hidden = !isBuiltIn;
  byId("library-build").hidden = isBuiltIn;
  byId("library-watched").hidden = !library.watched;
  folder.disabled = byId("add").disabled = !folders.length;
  setText(byId("folder-note"), folders.length
    ? `A folder, or one SoundFont or sample, in ${folders.join(", ")}.`
    : 'From here no folder can be added: the config file allows none. [library] page_folders = ["~/Samples"] allows those in ~/Samples.');
  byId("folders").replaceChildren(...folders.map((one) => new Option(one)));
  if (sounds === undefined) return;
  byId("sources").replaceChildren(...library.sources.map(source));
  byId("sources-section").hidden = isBuiltIn;
  setText(byId("sources-more"), library.more_sources ? `and ${library.more_sources} more: timbrel library info lists all` : "");
  setText(byId("away-note"), library.away.length
    ? "A rescan needs every source: connect the drive of those that are away, or take them out with timbrel library remove." : "");
  bars(byId("families"), library.families, familyName, (family) => familyColour(family));
  bars(byId("kinds"), library.kinds, (kind) => kind, () => "");
  byId("errors").replaceChildren(...library.errors.map(errorKind));
  byId("errors-section").hidden = !library.errors.length;
}

const count = (number, word) => `${number.toLocaleString()} ${word}${number === 1 ? "" : "s"}`;

function source({ name, path, there, sounds, errors }) {
  const row = make("tr");
  const head = make("th");
  head.scope = "row";
  head.append(make("span", "", name), make("span", "dim small path", path));
  const state = make("td", there ? "there" : "away", there ? "there" : "away");
  row.append(head, state, make("td", "number", sounds.toLocaleString()), make("td", errors ? "number bad" : "number", errors.toLocaleString()));
  return row;
}

function bars(list, counts, nameOf, colourOf) {
  const most = Math.max(1, ...Object.values(counts));
  const sorted = Object.entries(counts).sort((one, other) => other[1] - one[1]);
  list.replaceChildren(...sorted.map(([key, number]) => {
    const row = make("li");
    const bar = make("span", "share");
    bar.style.inlineSize = `${(100 * number) / most}%`;
    bar.style.backgroundColor = colourOf(key);
    const field = make("span", "field");
    field.append(bar);
    row.append(make("span", "", nameOf(key)), field, make("span", "number", number.toLocaleString()));
    return row;
  }));
}

function errorKind({ kind, count: number, step, examples }) {
  const row = make("li");
  row.append(make("strong", "", `${number.toLocaleString()} × ${kind}`), make("span", "dim", step ? `: ${step}` : ""));
  const list = make("ul", "examples dim small");
  list.append(...examples.map((path) => make("li", "", path)));
  if (number > examples.length) list.append(make("li", "", "and more: timbrel library info lists all"));
  row.append(list);
  return row;
}

function drawBuild(build) {
  const isRunning = build?.state === "starting" || build?.state === "building";
  byId("rescan").disabled = isRunning;
  folder.disabled = byId("add").disabled = isRunning || !get("library")?.folders.length;
  byId("cancel-build").hidden = !isRunning;
  byId("build").hidden = !build;
  if (!build) return;
  byId("build").dataset.state = build.state;
  const what = build.what === "add" ? `Adding ${build.source}` : "Rescan";
  setText(byId("build-text"), {
    starting: `${what}: the encoder is being loaded.`,
    building: `${what}: running.`,
    done: `${what}: done, ${count(build.embedded ?? 0, "new sound")}, ${build.errors ? `${count(build.errors, "error")}, ` : ""}${count(build.sounds ?? 0, "sound")} in all.`,
  }[build.state] ?? `${what}: ${build.text}`);
  const bar = byId("build-bar");
  bar.hidden = !isRunning;
  if (build.files && isRunning) Object.assign(bar, { max: build.files, value: build.done });
  else bar.removeAttribute("value");
  setText(byId("build-file"), isRunning ? build.file || "" : "");
  const facts = build.state === "building"
    ? [`${build.files_done.toLocaleString()} of ${count(build.files, "file")}`, count(build.sounds, "sound"), count(build.errors, "error"),
       build.rate ? `${build.rate < 10 ? build.rate.toFixed(1) : Math.round(build.rate)} files/s` : ""]
    : [];
  setText(byId("build-facts"), facts.filter(Boolean).join(", "));
}
