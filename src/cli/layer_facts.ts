/** What a model's layers are like, where they are not all plain attention to every token. */
import type { JsonNode } from '../io/json.js';
import type { Architecture, CheckpointSummary, DecoderChoices, DecoderDims } from '../models/architecture.js';
import type { LayerChoices } from '../models/choices.js';

/** Layers of one kind. */
export interface LayerFacts {
  /** What mixes tokens. */
  mixes: 'attention' | 'short convolution';
  /** Of attention: how many tokens one sees, itself among them; null: all. */
  window: number | null;
  /** Whether attention knows where tokens stand, in a model in which some does. */
  positions: boolean;
  /** Whether tokens go through experts that are chosen for each. */
  experts: boolean;
  /** Which layers, from 0. */
  layers: readonly number[];
}

/** The kinds of layers of a single stack, in the order of the first of each; undefined where all see every token, and are alike. */
export function layersOf(architecture: Architecture, config: JsonNode, checkpoint: CheckpointSummary): LayerFacts[] | undefined {
  const { L } = architecture.dims(config) as Partial<DecoderDims>;
  const { layer, causal = architecture.module.kind === 'decoder' } = architecture.block(config, checkpoint) as Partial<DecoderChoices>;
  if (!layer || L === undefined) return undefined;
  const all = Array.from({ length: L }, (_, l) => layer(l));
  const turns = all.some(({ rotary }) => rotary);
  const found = new Map<string, LayerFacts & { layers: number[] }>();
  for (const [l, choices] of all.entries()) {
    const own = kindOf(choices, causal, turns);
    const key = JSON.stringify(own);
    const same = found.get(key) ?? { ...own, layers: [] };
    same.layers.push(l);
    found.set(key, same);
  }
  const kinds = [...found.values()];
  return kinds.length > 1 || kinds.some(({ window }) => window !== null) ? kinds : undefined;
}

function kindOf({ mixer, window, rotary, feedForward }: LayerChoices, causal: boolean, turns: boolean): Omit<LayerFacts, 'layers'> {
  const experts = feedForward !== undefined;
  if (mixer) return { mixes: 'short convolution', window: null, positions: true, experts };
  const seen = window === undefined ? null : (causal ? window : 2 * window) + 1;
  return { mixes: 'attention', window: seen, positions: !turns || rotary !== undefined, experts };
}

/** A kind of layers in words. */
export function inWords({ mixes, window, positions, experts, layers }: LayerFacts): string {
  const seen = mixes === 'attention' ? ` to ${window === null ? 'all' : window.toLocaleString('en')} tokens` : '';
  return `${layers.length} of ${mixes}${seen}${positions ? '' : ', without positions'}${experts ? ', with experts' : ''}: ${ranges(layers)}`;
}

/** 0-4, 6-10 */
function ranges(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of numbers) {
    const last = runs.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(', ');
}
