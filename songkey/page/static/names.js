// How keys and times are written and coloured.

const SIGNS = { b: ["♭", " flat"], "#": ["♯", " sharp"] };

// "Eb minor" -> "E♭ minor".
export function shown(key) {
  return key.replace(/^([A-G])([b#])/, (_, letter, sign) => letter + SIGNS[sign][0]);
}

// "Eb minor" -> "E flat minor".
export function spoken(key) {
  return key.replace(/^([A-G])([b#])/, (_, letter, sign) => letter + SIGNS[sign][1]);
}

export function percent(share) {
  return `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)}%`;
}

export function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// Fifths above C, and whether it is minor, of a key in Camelot's notation: 8A -> [0, true].
export function place(camelot) {
  return [(parseInt(camelot, 10) + 4) % 12, camelot.endsWith("A")];
}

// A key's colour as [red, green, blue], so strong as `share`, 0 to 1, of it lies on the page's
// surface. Neighbours on the circle of fifths look alike; minor is darker than its major.
export function colour(camelot, share = 1) {
  const [fifths, minor] = place(camelot);
  const full = fromHue(30 * fifths, 0.6, minor ? 0.62 : 0.76);
  const ground = surface();
  return full.map((part, index) => Math.round(share * part + (1 - share) * ground[index]));
}

export function css(rgb) {
  return `rgb(${rgb.join(" ")})`;
}

// Black or white, whichever contrasts more: at least 4.58 to 1 on any colour.
export function inkOn(rgb) {
  const [red, green, blue] = rgb.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

function surface() {
  const hex = getComputedStyle(document.documentElement).getPropertyValue("--surface").trim();
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function fromHue(hue, saturation, light) {
  const swing = saturation * Math.min(light, 1 - light);
  return [0, 8, 4].map((offset) => {
    const turn = (offset + hue / 30) % 12;
    return 255 * (light - swing * Math.max(-1, Math.min(turn - 3, 9 - turn, 1)));
  });
}
