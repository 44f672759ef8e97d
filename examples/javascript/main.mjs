// npm install
// ffmpeg -i song.mp3 -af volume=-3dB -ac 1 -ar 11025 -f f32le song.f32   (the network's sample_rate)
// node main.mjs default.onnx song.f32

import { readFile } from "node:fs/promises";
import { estimate, openNetwork } from "./key.mjs";

const [network, song] = await Promise.all(process.argv.slice(2, 4).map((path) => readFile(path)));
const samples = new Float32Array(new Uint8Array(song).buffer, 0, song.length >> 2);
console.log(JSON.stringify(await estimate(await openNetwork(network), samples)));
