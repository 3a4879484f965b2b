/** `bench layer`: one encoder layer of MiniLM's size over the range of lengths; the chart shows where threads begin to pay. */
import { scaling } from './scaling.js';

export const command = scaling({
  title: "One encoder layer of MiniLM's size (C 384, H 12, F 1536), float32",
  layers: 1,
  tokens: [1, 4, 16, 64, 128, 256, 512],
});
