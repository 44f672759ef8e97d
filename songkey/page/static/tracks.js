// A song over time: its keys and its CQT side by side with the player, and a cursor over both.

import { clock, colour, css, inkOn, percent, shown, spoken } from "./names.js";

const ROUND_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const TIME_PIXELS = 70; // at least, from one time to the next
const STEP_SECONDS = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -30, PageUp: 30 };
// From silent to loud, as matplotlib's magma: dark to bright also for who sees no colours.
const HEAT = [[0, 0, 4], [81, 18, 124], [183, 55, 121], [252, 137, 97], [252, 253, 191]];

const one = (id) => document.getElementById(id);
const audio = one("audio");
let answer = null;
let seconds = 0; // that the tracks are wide

// Show a song's answer, and play its file.
export function showTracks(shownAnswer, url) {
  answer = shownAnswer;
  if (audio.src !== url) {
    audio.src = url;
    one("unplayable").hidden = true;
    audio.hidden = false;
  }
  draw();
}

function draw() {
  const { cqt, timeline } = answer;
  const heard = Math.max(cqt ? cqt.seconds : 0, ...timeline.map((span) => span.end_seconds));
  seconds = Number.isFinite(audio.duration) ? audio.duration : heard;
  one("timeline").replaceChildren(...timeline.map(part));
  one("seek").hidden = one("seek-help").hidden = !cqt;
  if (cqt) paint(cqt);
  const room = one("times").clientWidth / TIME_PIXELS;
  const step = ROUND_SECONDS.find((round) => seconds / round <= room) ?? ROUND_SECONDS.at(-1);
  const times = Array.from({ length: Math.ceil(seconds / step) }, (_, index) => index * step);
  one("times").replaceChildren(...times.map((time) => {
    const mark = document.createElement("span");
    mark.textContent = clock(time);
    mark.style.left = share(time);
    return mark;
  }));
  one("seek").setAttribute("aria-valuemax", seconds.toFixed(1));
  one("cursor").hidden = false;
  follow();
}

function part(span) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  const name = span.clear ? shown(span.key) : "no clear key";
  const fill = span.clear ? colour(span.camelot) : [150, 150, 150];
  button.textContent = name;
  button.title = `${name}${span.clear ? `, ${span.camelot}` : ""}: ${percent(span.confidence)}`;
  button.setAttribute("aria-label",
    `${clock(span.start_seconds)} to ${clock(span.end_seconds)}: ` +
    `${span.clear ? spoken(span.key) : name}, ${percent(span.confidence)}`);
  button.style.background = css(fill);
  button.style.color = inkOn(fill);
  button.addEventListener("click", () => {
    seek(span.start_seconds);
    audio.play().catch(() => {}); // what cannot be played is said beside the player
  });
  item.style.left = share(span.start_seconds);
  item.style.width = share(Math.min(span.end_seconds, seconds) - span.start_seconds);
  item.append(button);
  return item;
}

function paint({ seconds: heard, frames, bins, levels, fmin_hz, bins_per_octave }) {
  const canvas = one("cqt");
  // A last piece that is padded with silence reaches beyond the song's end.
  const width = Math.ceil(frames * Math.min(1, seconds / heard));
  canvas.width = width;
  canvas.height = bins;
  canvas.style.width = share(Math.min(heard, seconds));
  const bytes = atob(levels); // (F, T), the lowest bin first
  const image = new ImageData(width, bins);
  for (let bin = 0; bin < bins; bin++) {
    for (let frame = 0; frame < width; frame++) {
      const pixel = 4 * ((bins - 1 - bin) * width + frame);
      image.data.set(heat(bytes.charCodeAt(bin * frames + frame)), pixel);
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  const semitone = bins_per_octave / 12;
  const lowest = 69 + 12 * Math.log2(fmin_hz / 440); // in MIDI's numbers: C4 is 60
  const marks = [];
  for (let pitch = 12 * Math.ceil(lowest / 12 - 1e-6); pitch < lowest + bins / semitone; pitch += 12) {
    const mark = document.createElement("span");
    mark.textContent = `C${pitch / 12 - 1}`;
    mark.style.bottom = `${(100 * ((pitch - lowest) * semitone + 0.5)) / bins}%`;
    marks.push(mark);
  }
  one("pitches").replaceChildren(...marks);
}

const heat = (() => {
  const table = Array.from({ length: 256 }, (_, level) => {
    const at = (level / 255) * (HEAT.length - 1);
    const low = Math.min(Math.floor(at), HEAT.length - 2);
    return [...HEAT[low].map((from, index) => from + (at - low) * (HEAT[low + 1][index] - from)), 255];
  });
  return (level) => table[level];
})();

function share(time) {
  return `${(100 * time) / seconds}%`;
}

function seek(time) {
  audio.currentTime = Math.min(Math.max(time, 0), seconds);
  follow();
}

// The cursor and what is said of it are where the player is.
function follow() {
  if (!answer) return;
  const now = audio.currentTime;
  one("cursor").style.setProperty("--at", share(Math.min(now, seconds)));
  const current = answer.timeline.findIndex((span) => span.start_seconds <= now && now < span.end_seconds);
  one("timeline").querySelectorAll("button").forEach((button, index) => {
    if (index === current) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  });
  const span = answer.timeline[current];
  const key = span ? (span.clear ? spoken(span.key) : "no clear key") : "silence";
  one("seek").setAttribute("aria-valuenow", now.toFixed(1));
  one("seek").setAttribute("aria-valuetext", `${clock(now)} of ${clock(seconds)}, ${key}`);
}

function keepFollowing() {
  follow();
  if (!audio.paused && !audio.ended) requestAnimationFrame(keepFollowing);
}

function press(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key in STEP_SECONDS) seek(audio.currentTime + STEP_SECONDS[event.key]);
  else if (event.key === "Home") seek(0);
  else if (event.key === "End") seek(seconds);
  else if (event.key === " ") audio.paused ? audio.play().catch(() => {}) : audio.pause();
  else return;
  event.preventDefault(); // the page would scroll
}

one("seek").addEventListener("keydown", press);
one("seek").addEventListener("click", (event) => {
  const { left, width } = one("seek").getBoundingClientRect();
  seek((seconds * (event.clientX - left)) / width);
});
audio.addEventListener("play", keepFollowing);
audio.addEventListener("timeupdate", follow);
audio.addEventListener("seeked", follow);
audio.addEventListener("durationchange", () => answer && draw());
audio.addEventListener("error", () => {
  one("unplayable").hidden = false;
  audio.hidden = true;
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => answer && draw());
