/** `bench encoder`: MiniLM's six layers, without the embeddings before and the pooling after. */
import { scaling } from './scaling.js';

export const command = scaling({
  title: "Six encoder layers of MiniLM's size (C 384, H 12, F 1536), float32",
  layers: 6,
  tokens: [16, 128, 512],
});
