// Names the key of a song as songkey does, step by step: docs/embedding.md. In browsers and in node.
//
//   const network = await openNetwork(bytes); // of the ONNX file: a Uint8Array
//   const { key, confidence, clear } = await estimate(network, samples);

import * as ort from "onnxruntime-web";

const KEYS = 24; // 0 to 11 are C major to B major, 12 to 23 C minor to B minor
const FULL_SCALE = 32768; // of 16 bit
const SILENT_PEAK = 3; // of 32768: what never gets louder has no key to be heard
const HALF_TO_EVEN = 2 ** 52 + 2 ** 51; // a double that is added and taken away again rounds so

ort.env.wasm.numThreads = 1;

/** A network, ready for many songs; `info` says what it hears and how it answers. */
export async function openNetwork(bytes) {
  const text = metadata(bytes, "songkey");
  if (text === undefined) throw new Error("no network of songkey");
  const info = JSON.parse(text);
  if (info.format !== 2) throw new Error("not of format 2, which this program reads");
  return { info, session: await ort.InferenceSession.create(bytes) };
}

/**
 * The answer for a song: key, confidence, whether it is clear, all 24 probabilities.
 *
 * `song` is a Float32Array, mono, of full scale 1, at the network's `info.sample_rate`.
 */
export async function estimate({ info, session }, song) {
  const size = Math.round(info.interval_seconds * info.sample_rate);
  const logits = [];
  for (const interval of intervals(song, size)) {
    const waveform = new ort.Tensor("float32", interval, [1, size]);
    const outputs = await session.run({ waveform }, ["logits"]);
    logits.push(Array.from(outputs.logits.data));
  }
  if (!logits.length) throw new Error("silent: nothing in it is louder than -80 dB");
  return answer(logits, info);
}

/**
 * A song in pieces of one length, in 16 bit, without the silent ones. A last piece shorter than half
 * an interval is dropped, unless it is the only one; a longer one is filled up with zeros.
 */
function* intervals(song, size) {
  for (let start = 0; start < song.length; start += size) {
    const piece = song.subarray(start, start + size);
    if (start > 0 && 2 * piece.length < size) return;
    const interval = new Float32Array(size);
    let peak = 0;
    piece.forEach((sample, at) => {
      if (!Number.isFinite(sample)) throw new Error("NaN or infinite samples");
      const scaled = Math.min(Math.max(sample * FULL_SCALE, -FULL_SCALE), FULL_SCALE - 1);
      const level = scaled + HALF_TO_EVEN - HALF_TO_EVEN;
      peak = Math.max(peak, Math.abs(level));
      interval[at] = level / FULL_SCALE;
    });
    if (peak > SILENT_PEAK) yield interval;
  }
}

/** The answer from the logits of a song's intervals. */
function answer(song, info) {
  const rule = info.answer;
  // The opening has at least its share, the others equal parts of the rest.
  const opening = Math.max(1 / song.length, rule.opening_share);
  const other = (1 - opening) / (song.length - 1);
  const mean = new Array(KEYS).fill(0);
  let energy = 0;
  song.forEach((logits, number) => {
    const odds = softmax(logits.map((value) => value / rule.temperature));
    odds.forEach((value, key) => (mean[key] += (number ? other : opening) * value));
    energy += logarithmOfSum(logits) / song.length;
  });
  const peak = Math.max(...mean);
  const minor = rule.minor_prior / (1 - rule.minor_prior);
  const odds = mean.map(
    (value, key) => (value / peak) ** (1 / rule.song_temperature) * (key < 12 ? 1 : minor),
  );
  const sum = odds.reduce((total, value) => total + value);
  const probabilities = odds.map((value) => value / sum);
  const confidence = Math.max(...probabilities);
  return {
    key: info.keys[probabilities.indexOf(confidence)],
    confidence,
    clear: confidence >= rule.clear_threshold && energy >= (rule.clear_energy ?? -Infinity),
    probabilities,
  };
}

function softmax(values) {
  const whole = logarithmOfSum(values);
  return values.map((value) => Math.exp(value - whole));
}

/** The logarithm of the sum of exp(value). */
function logarithmOfSum(values) {
  const peak = Math.max(...values);
  return peak + Math.log(values.reduce((total, value) => total + Math.exp(value - peak), 0));
}

/**
 * A text in an ONNX file's metadata, which onnxruntime-web does not give: the file is a ModelProto
 * (onnx.proto), whose field 14 holds pairs of a key, field 1, and a value, field 2.
 */
function metadata(file, name) {
  const text = new TextDecoder();
  for (const [number, bytes] of fields(file)) {
    if (number !== 14) continue;
    const pair = Object.fromEntries(fields(bytes));
    if (text.decode(pair[1]) === name) return text.decode(pair[2]);
  }
  return undefined;
}

/** The fields of a protocol buffer: each one's number, and its bytes where it is no number. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (!(byte & 128)) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const number = varint(); // the field's value, or how many bytes it has
    const length = (tag & 7) === 2 ? number : 0;
    yield [tag >>> 3, bytes.subarray(at, (at += length))];
  }
}
