// Songs are chosen or dropped, sent to songkey one after the other, and shown.

import { circle } from "./circle.js";
import { colour, css, inkOn, percent, shown, spoken } from "./names.js";
import { showTracks } from "./tracks.js";

const SHOWN_KEYS = 6; // in the table

const one = (id) => document.getElementById(id);
const songs = []; // { file, answer, item, url }, in the order in which they came
let answering = false;
let current = null;
const limits = fetch("limits").then((response) => response.json());

function add(files) {
  for (const file of files) {
    const song = { file, answer: null, button: document.createElement("button") };
    song.button.append(span("file", file.name), span("state", "waiting"));
    song.button.disabled = true;
    song.button.addEventListener("click", () => show(song));
    const item = document.createElement("li");
    item.append(song.button);
    one("list").querySelector("ol").append(item);
    songs.push(song);
  }
  one("list").hidden = !songs.length;
  if (!answering) answerAll();
}

async function answerAll() {
  answering = true;
  let isFirst = true; // of the songs that came together: it is shown
  one("errors").replaceChildren();
  // Songs may be added meanwhile: they are found here too.
  for (let song; (song = songs.find((each) => !each.answer && !each.failed)); ) {
    state(song, "listening…");
    say(`Listening to ${song.file.name}`);
    try {
      song.answer = await ask(song.file);
      song.url = URL.createObjectURL(song.file);
      const { clear, key, camelot, confidence } = song.answer;
      state(song, clear ? `${shown(key)} · ${camelot} · ${percent(confidence)}` : "no clear key");
      say(`${song.file.name}: ` +
        (clear ? `${spoken(key)}, Camelot ${camelot}, confidence ${percent(confidence)}` : "no clear key"));
      song.button.disabled = false;
      if (isFirst) show(song);
      isFirst = false;
    } catch (error) {
      song.failed = true;
      state(song, "no answer");
      say("");
      const line = document.createElement("p");
      line.textContent = `${song.file.name}: ${error.message}`;
      one("errors").append(line);
    }
  }
  answering = false;
}

async function ask(file) {
  const { most_bytes } = await limits;
  if (file.size > most_bytes) { // else the server breaks off what is being sent
    throw new Error(`larger than ${most_bytes / 1e6} MB; give a smaller file, or a higher --limit-mb`);
  }
  let response;
  try {
    response = await fetch("song", { method: "POST", body: file });
  } catch {
    throw new Error("it could not be read, or songkey has ended: start `songkey page` again");
  }
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function show(song) {
  current = song;
  const { answer } = song;
  for (const each of songs) each.button.setAttribute("aria-current", String(each === song));
  document.title = `${answer.clear ? shown(answer.key) : "no clear key"} – ${song.file.name} – songkey`;
  one("name").textContent = song.file.name;
  one("key").textContent = answer.clear ? shown(answer.key) : "No clear key";
  one("notations").textContent = answer.clear
    ? `Camelot ${answer.camelot} · Open Key ${answer.open_key}`
    : `The nearest guess is ${shown(answer.key)}, ${answer.camelot}.`;
  one("confidence").value = answer.confidence;
  one("sure").querySelector("span").textContent = `${percent(answer.confidence)} sure`;
  const cents = answer.tuning_cents;
  one("tuning").textContent = cents === null ? "No tuning heard"
    : `Tuned to A = 440 Hz ${cents < 0 ? "−" : "+"} ${Math.abs(cents).toFixed(0)} cents`;
  one("compatible").replaceChildren(...answer.compatible.map(mixing));
  one("nothing-mixes").hidden = answer.clear;
  one("circle").replaceChildren(circle(answer));
  const rows = answer.candidates.slice(0, SHOWN_KEYS).map(row);
  one("most-probable").querySelector("tbody").replaceChildren(...rows);
  one("song").hidden = false;
  showTracks(answer, song.url);
}

function mixing({ key, camelot, mixes_as }) {
  const item = document.createElement("li");
  const badge = span("camelot", camelot);
  const fill = colour(camelot);
  badge.style.background = css(fill);
  badge.style.color = inkOn(fill);
  item.append(badge, " ", span("name", shown(key)), " ", span("as", mixes_as));
  return item;
}

function row({ key, camelot, probability }) {
  const made = document.createElement("tr");
  const name = document.createElement("th");
  name.scope = "row";
  name.textContent = shown(key);
  made.append(name);
  for (const text of [camelot, percent(probability)]) {
    const cell = document.createElement("td");
    cell.textContent = text;
    made.append(cell);
  }
  return made;
}

function span(name, text) {
  const made = document.createElement("span");
  made.className = name;
  made.textContent = text;
  return made;
}

function state(song, text) {
  song.button.querySelector(".state").textContent = text;
}

function say(text) {
  one("status").textContent = text;
}

one("files").addEventListener("change", (event) => {
  add([...event.target.files]);
  event.target.value = ""; // the same file may be chosen again
});
addEventListener("dragover", (event) => {
  event.preventDefault(); // else the browser opens what is dropped
  document.body.classList.add("dragging");
});
addEventListener("dragleave", () => document.body.classList.remove("dragging"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  add([...event.dataTransfer.files]);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => current && show(current));
