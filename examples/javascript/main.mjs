// npm install
// ffmpeg -i song.mp3 -af volume=-3dB -ac 1 -ar 11025 -f f32le song.f32   (the network's sample_rate)
// node main.mjs default.onnx song.f32

import { readFile } from "node:fs/promises";
import { estimate, openNetwork } from "./key.mjs";

const [file, ...songs] = process.argv.slice(2);
const network = await openNetwork(await readFile(file));
for (const song of songs) {
  const bytes = new Uint8Array(await readFile(song)); // a copy, which begins where its buffer does
  const samples = new Float32Array(bytes.buffer, 0, bytes.length >> 2);
  console.log(JSON.stringify(await estimate(network, samples)));
}
