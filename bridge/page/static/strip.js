// Draw which instruments were heard when: a row for each family, a bar for each stretch.

import { get, watch } from "./store.js";
import { familyColour, familyName, onScheme } from "./families.js";
import { clock } from "./text.js";

const SHORT_S = 120;
const STEPS_S = [30, 60, SHORT_S];
const ROW_PX = 20;
const AXIS_PX = 18;
const NAMES_PX = 84;

const canvas = document.getElementById("strip");
const tip = document.getElementById("strip-tip");
const zoom = document.getElementById("zoom");
const spans = new Map();
let boxes = [];
let isDirty = false;

/** All spans, in the order of their begins; an open one ends now. */
export const allSpans = () => [...spans.values()].map((span) => ({ ...span, to: span.to ?? Number(nowS().toFixed(2)) }));

/** Begin to draw. */
export function startStrip() {
  watch("reset", () => spans.clear());
  watch("span:", (span) => { spans.set(span.id, span); dirty(); });
  watch("pulse", dirty);
  watch("buses", dirty);
  onScheme(dirty);
  new ResizeObserver(dirty).observe(canvas.parentElement);
  zoom.addEventListener("click", () => {
    zoom.setAttribute("aria-pressed", String(zoom.getAttribute("aria-pressed") !== "true"));
    dirty();
  });
  canvas.addEventListener("pointermove", (event) => showTip(event.offsetX, event.offsetY));
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
}

function nowS() {
  const ended = document.body.dataset.link === "closed" ? lastS : null;
  return (lastS = ended ?? Date.now() / 1000 - (get("session")?.began ?? Date.now() / 1000));
}
let lastS = 0;

function dirty() {
  if (isDirty) return;
  isDirty = true;
  requestAnimationFrame(() => { isDirty = false; draw(); });
}

function draw() {
  const now = nowS();
  const isWhole = zoom.getAttribute("aria-pressed") === "true";
  const from = isWhole ? 0 : Math.max(0, now - SHORT_S);
  const until = isWhole && now > SHORT_S ? now : Math.max(now, STEPS_S.find((step) => step > now) ?? SHORT_S);
  const bus = get("buses")?.focus; // the strip is of the bus in focus; what is saved holds all
  const seen = [...spans.values()].filter((span) => (span.to ?? now) >= from && span.bus === bus);
  const families = [...new Set(seen.map((span) => span.family))].sort();
  const width = canvas.parentElement.clientWidth;
  const height = Math.max(1, families.length) * ROW_PX + AXIS_PX;
  const ratio = devicePixelRatio || 1;
  Object.assign(canvas, { width: width * ratio, height: height * ratio });
  canvas.style.blockSize = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const style = getComputedStyle(document.body);
  pen.font = `11px ${style.fontFamily}`;
  pen.textBaseline = "middle";
  const x = (second) => NAMES_PX + ((second - from) / (until - from)) * (width - NAMES_PX);
  drawAxis(pen, style, { from, until, x, width, height, now });
  boxes = [];
  families.forEach((family, row) => {
    pen.fillStyle = style.getPropertyValue("--dim");
    pen.fillText(familyName(family), 0, row * ROW_PX + ROW_PX / 2, NAMES_PX - 8);
  });
  for (const span of seen) {
    const top = families.indexOf(span.family) * ROW_PX + 3;
    const left = Math.max(NAMES_PX, x(span.from));
    const box = { left, top, width: Math.max(2, x(Math.min(span.to ?? now, until)) - left), height: ROW_PX - 6, span };
    pen.fillStyle = familyColour(span.family, 0.25 + 0.5 * span.presence);
    pen.beginPath();
    pen.roundRect(box.left, box.top, box.width, box.height, 2);
    pen.fill();
    if (pen.measureText(span.name).width + 8 < box.width) {
      pen.fillStyle = style.getPropertyValue("--text");
      pen.fillText(span.name, box.left + 5, top + box.height / 2 + 0.5);
    }
    boxes.push(box);
  }
  canvas.setAttribute("aria-label", `Instruments heard over ${clock(now)}: ${families.map(familyName).join(", ") || "none yet"}`);
}

function drawAxis(pen, style, { from, until, x, width, height, now }) {
  const steps = [5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600];
  const step = steps.find((one) => (one / (until - from)) * (width - NAMES_PX) > 70) ?? 7200;
  pen.strokeStyle = style.getPropertyValue("--line");
  pen.fillStyle = style.getPropertyValue("--dim");
  for (let second = Math.ceil(from / step) * step; second <= until; second += step) {
    const at = Math.round(x(second)) + 0.5;
    pen.beginPath();
    pen.moveTo(at, 0);
    pen.lineTo(at, height - AXIS_PX);
    pen.stroke();
    if (at + 34 < width && second <= now) pen.fillText(clock(second), at + 3, height - AXIS_PX / 2);
  }
}

function showTip(left, top) {
  const box = boxes.findLast((one) => left >= one.left && left <= one.left + one.width && top >= one.top && top <= one.top + one.height);
  tip.hidden = !box;
  if (!box) return;
  const { span } = box;
  tip.textContent = `${span.name}, ${clock(span.from)} to ${span.to === null ? "now" : clock(span.to)}`;
  tip.style.insetInlineStart = `${Math.min(left, canvas.clientWidth - 180)}px`;
  tip.style.insetBlockStart = `${top + 14}px`;
}
