// Write numbers as musicians read them.

/** Write a MIDI program from 1, with the bank where it is not the first; "" without one. */
export function programText(program) {
  if (!program) return "";
  const bank = 128 * (program.bank_msb ?? 0) + (program.bank_lsb ?? 0);
  return `${bank ? `bank ${bank + 1}, ` : ""}program ${program.program + 1}`;
}

/** Write a presence of 0..1 in per cent. */
export const percent = (share) => `${Math.round(100 * Math.min(1, Math.max(0, share)))} %`;

/** Write seconds as 12 s or 3:05. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const rest = String(whole % 60).padStart(2, "0");
  if (hours) return `${hours}:${String(minutes).padStart(2, "0")}:${rest}`;
  return whole < 60 ? `${whole} s` : `${minutes}:${rest}`;
}

/** Set the text of an element only where it differs: what is unchanged is not laid out again. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Make an element with a class and a text. */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}
