/**
 * What the bench asks of heed and of each library that it is compared with: take the weights of a Transformer encoder,
 * get ready in the fastest WebAssembly configuration there is, then turn a Float32Array into a Float32Array. Weights go
 * by PyTorch's names, one record a layer, so that every side loads the same numbers.
 */

export interface Weight {
  data: Float32Array;
  dims: number[];
}

/** One layer, by the names of torch.nn.TransformerEncoderLayer: `self_attn.in_proj_weight`, `linear1.bias`, … */
export type LayerWeights = Record<string, Weight>;

/** A stack of post-norm layers with exact GELU: MiniLM's and BERT's encoder without its embeddings. */
export interface Encoder {
  heads: number;
  layers: LayerWeights[];
}

export interface Settings {
  threads: number;
}

export interface Peer {
  name: string;
  version: string;
  /** The configuration in words, printed with every result. */
  options: string;
  /** x is [1, T, C]; so is the answer, a fresh array. */
  run(x: Float32Array, T: number): Promise<Float32Array>;
  close(): Promise<void>;
}

export type OpenPeer = (encoder: Encoder, settings: Settings) => Promise<Peer>;

/** The weight of that name, or an error that says which one is missing. */
export function weight(layer: LayerWeights, name: string): Weight {
  const found = layer[name];
  if (!found) throw new Error(`the encoder layer has no weight ${name}`);
  return found;
}
