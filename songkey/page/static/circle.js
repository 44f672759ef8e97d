// The circle of fifths: major keys outside, their relative minor keys inside, each as strong in its
// colour as it is probable.

import { colour, css, inkOn, percent, place, shown, spoken } from "./names.js";

const SVG = "http://www.w3.org/2000/svg";
const RINGS = { major: [138, 198], minor: [78, 138] }; // inner and outer radius

// `answer` as the server gives it.
export function circle(answer) {
  const best = answer.candidates.slice(0, 3);
  const text = best.map((one) => `${spoken(one.key)} ${percent(one.probability)}`).join(", ");
  const svg = element("svg", { viewBox: "-202 -202 404 404", role: "img" });
  svg.setAttribute("aria-label", `Circle of fifths. Most probable: ${text}. A table follows.`);
  const ordered = [...answer.candidates].reverse(); // the answer's outline last, above the others
  for (const candidate of ordered) svg.append(segment(candidate, candidate === best[0] && answer));
  const middle = element("text", { class: "middle", x: 0, y: 0 });
  middle.textContent = answer.clear ? answer.camelot : "?";
  svg.append(middle);
  return svg;
}

function segment({ key, camelot, probability }, answer) {
  const [fifths, minor] = place(camelot);
  const [inner, outer] = RINGS[minor ? "minor" : "major"];
  const fill = colour(camelot, Math.sqrt(probability)); // what is improbable can still be seen
  const group = element("g", { "data-key": key });
  const title = element("title", {});
  title.textContent = `${shown(key)}, ${camelot}: ${percent(probability)}`;
  const from = 30 * fifths - 15;
  const corners = [at(inner, from), at(outer, from), at(outer, from + 30), at(inner, from + 30)];
  const path = element("path", {
    class: answer && answer.clear ? "segment answer" : "segment",
    d: `M${corners[0]}L${corners[1]}A${outer} ${outer} 0 0 1 ${corners[2]}` +
      `L${corners[3]}A${inner} ${inner} 0 0 0 ${corners[0]}Z`,
    fill: css(fill),
  });
  const [x, y] = at((inner + outer) / 2, 30 * fifths);
  group.append(title, path);
  group.append(label(x, y - 8, shortened(key), inkOn(fill), ""));
  group.append(label(x, y + 9, camelot, inkOn(fill), "camelot"));
  return group;
}

function label(x, y, text, fill, name) {
  const made = element("text", { x, y, fill, class: name });
  made.textContent = text;
  return made;
}

// "Eb minor" -> "E♭m".
function shortened(key) {
  const [tonic, mode] = shown(key).split(" ");
  return tonic + (mode === "minor" ? "m" : "");
}

// The point so far from the middle, so many degrees clockwise from the top.
function at(radius, degrees) {
  const angle = (degrees * Math.PI) / 180;
  return [radius * Math.sin(angle), -radius * Math.cos(angle)].map((one) => +one.toFixed(2));
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}
