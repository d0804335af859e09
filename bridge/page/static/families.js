// Give each instrument family its name for people, its hue and its picture.

// Strokes on a field of 24 by 24.
const SHAPES = {
  string: "M9.5 14.5a4 4 0 1 0 0 5.6M14.5 9.5a3.4 3.4 0 1 1-5 5M14 10l6-6M17.5 3.5l3 3M3 12l9 9",
  guitar: "M11 13a4.6 4.6 0 1 1-4.4 6.2A4.6 4.6 0 0 1 11 13zM10.6 13.4 19 5M17 3l4 4M9.6 16.6h.01",
  bass: "M10 13a5 5 0 1 1-5 7M10 13 19 4M16.4 2.8l4.8 4.8M8.6 17.4h.01M12.6 15.4l1.6 3",
  keyboard: "M3 6h18v12H3zM8 6v7M12 6v7M16 6v7M8 13v5M12 13v5M16 13v5",
  organ: "M5 20V9M9 20V5M13 20V3M17 20V7M21 20V11M3 20h20",
  mallet: "M4 18h16M6 18l1-6M10 18l.6-8M14 18l-.4-8M18 18l-1-6M5 9l6-4M19 9l-6-4",
  brass: "M3 11h12M15 11c3 0 4-2 6-4v10c-2-2-3-4-6-4H8a3 3 0 0 1 0-6M3 9v4M9 7v4M12 7v4",
  reed: "M16 3l3 2M17.5 4 12 14c-1.6 3-2 6-5 6-3.4 0-3.6-4-1-5M12 9l2 1M10.6 12l2 1",
  flute: "M3 16.5 18 5l2.4 3.1L5.4 19.6zM10 12.6h.01M13 10.3h.01M16 8h.01",
  vocal: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM6 11a6 6 0 0 0 12 0M12 17v4M9 21h6",
  synth_lead: "M3 15l4-8v8l4-8v8l4-8v8l4-8v8",
  synth_pad: "M2 12c2.5-6 5-6 7.500 0s5 6 7.500 0 3.500-5 5-3M2 17h20",
  synth: "M3 14h4V8h5v8h5V8h4",
  ethnic: "M12 3v9M9 5.500 12 3l3 2.500M7 14a5 5 0 0 0 10 0zM5 12h14M12 19v2",
  percussive: "M5 9c0-1.700 3-3 7-3s7 1.300 7 3-3 3-7 3-7-1.300-7-3zM5 9l2 9c.4 1.200 2.500 2 5 2s4.600-.8 5-2l2-9M3 3l5 3",
  drums: "M3 11c0-1.700 4-3 9-3s9 1.300 9 3-4 3-9 3-9-1.300-9-3zM3 11v6c0 1.700 4 3 9 3s9-1.300 9-3v-6M5 3l5 6M19 3l-5 6",
  effects: "M12 3v4M12 17v4M3 12h4M17 12h4M5.600 5.600l2.800 2.800M15.600 15.600l2.800 2.800M18.400 5.600l-2.800 2.800M8.400 15.600l-2.800 2.800",
  unknown: "M9 18V6l10-2v12M9 18a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0zM19 16a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0z",
};

const FAMILIES = {
  string: ["Strings", 25], guitar: ["Guitar", 55], bass: ["Bass", 290], keyboard: ["Keys", 250],
  organ: ["Organ", 320], mallet: ["Mallets", 200], brass: ["Brass", 85], reed: ["Reeds", 130],
  flute: ["Flutes", 165], vocal: ["Voice", 350], synth_lead: ["Synth lead", 225], synth_pad: ["Synth pad", 270],
  synth: ["Synth", 240], ethnic: ["World", 105], percussive: ["Percussion", 40], drums: ["Drums", 10],
  effects: ["Effects", 185], unknown: ["Other", null],
};

const known = (family) => FAMILIES[family] ?? FAMILIES.unknown;
const isDark = matchMedia("(prefers-color-scheme: dark)");

/** Return the name of a family for people. */
export const familyName = (family) => (FAMILIES[family] ? known(family)[0] : family === "unknown" ? "Other" : family);

/** Return the colour of a family for a canvas; `alpha` from 0 to 1. */
export function familyColour(family, alpha = 1) {
  const hue = known(family)[1];
  const light = isDark.matches ? 76 : 52;
  return hue === null ? `oklch(${light}% 0.02 260 / ${alpha})` : `oklch(${light}% 0.125 ${hue} / ${alpha})`;
}

/** Give an element the colour of a family, as the CSS variable --family. */
export const paint = (element, family) => element.style.setProperty("--family", familyColour(family));

/** Return the picture of a family as an SVG element. */
export function familyIcon(family) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS(svg.namespaceURI, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SHAPES[family] ?? SHAPES.unknown);
  svg.append(path);
  return svg;
}

/** Call `draw` when the page changes between dark and light. */
export const onScheme = (draw) => isDark.addEventListener("change", draw);
