// Play the sounds of the page one at a time, in the player at its foot; without this file each is a link to its sound.

const foot = document.getElementById("player");
const audio = foot.querySelector("audio");
const name = foot.querySelector("output");
const links = [...document.querySelectorAll("a.play")];
let current = null;

for (const link of links) {
  link.setAttribute("role", "button");
  link.setAttribute("aria-pressed", "false");
  link.addEventListener("click", (event) => {
    event.preventDefault();
    toggle(link);
  });
  link.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    toggle(link);
  });
}

for (const kind of ["play", "pause", "ended"]) audio.addEventListener(kind, show);
audio.addEventListener("error", () => { name.textContent = `${current?.textContent ?? "The sound"} can't be played.`; });

function toggle(link) {
  if (link === current && !audio.paused) {
    audio.pause();
    return;
  }
  if (link !== current) {
    current = link;
    audio.src = link.href;
    name.textContent = link.textContent;
  }
  foot.hidden = false;
  audio.play().catch(show);
}

function show() {
  const isPlaying = !audio.paused && !audio.ended;
  for (const link of links) link.setAttribute("aria-pressed", String(link === current && isPlaying));
}
