/**
 * Layers of two types in configs: some see all tokens, the others a window, and each type has its own base of rotary positions. Transformers 5 has
 * `layer_types` and `rope_parameters`, transformers 4 a number for each.
 */
import type { Engine } from '../engine/engine.js';
import { quote } from '../io/header.js';
import type { JsonNode } from '../io/json.js';
import { RotaryPositions } from '../nn/rotary_positions.js';
import type { LayerChoices } from './architecture.js';
import { numberIn, sizeIn, unsupported } from './config.js';

/** Key of transformers 4, and its default. */
type Key = readonly [key: string, absent: number];

interface Alternation {
  /** Key of the interval at which layers see all tokens, from the first layer on. */
  every: Key;
  /** Key of the width of the other layers' window, with the token itself in the middle. */
  window: Key;
  /** Keys of the bases of rotary positions. */
  full_attention: Key;
  sliding_attention: Key;
}

/** Choices of each layer. Throws UNSUPPORTED where angles are scaled. */
export function alternatingLayers(c: JsonNode, L: number, { every, window, ...bases }: Alternation): readonly LayerChoices[] {
  const turning = (base: number) => (engine: Engine, D: number) => new RotaryPositions(engine, D, base);
  const of = {
    full_attention: { rotary: turning(rotaryBase(c, 'full_attention', bases.full_attention)) },
    sliding_attention: {
      rotary: turning(rotaryBase(c, 'sliding_attention', bases.sliding_attention)),
      window: Math.floor(sizeIn(c, ...window) / 2),
    },
  };
  const whole = sizeIn(c, ...every);
  return layerTypes(c, L, (l) => l % whole !== 0).map((type) => of[type]);
}

const names = ['full_attention', 'sliding_attention'] as const;

/** Layers with a sliding window, as transformers derives them from other keys where a config has no list. */
type Slides = (l: number) => boolean;

function layerTypes(c: JsonNode, L: number, absent: Slides): readonly (typeof names)[number][] {
  const listed = c.array('layer_types', undefined);
  const types = (listed ?? Array.from({ length: L }, (_, l) => names[absent(l) ? 1 : 0])).map((given) =>
    names.find((name) => name === given),
  );
  if (types.length === L && types.every((type) => type !== undefined)) return types;
  throw c.error(`must list ${L} of ${names.join(' and ')} in layer_types`);
}

/** Number of tokens before it that a sliding layer sees; undefined: all. A config's window counts the token itself, and null is none. */
export function windowIn(c: JsonNode, absent?: number): number | undefined {
  const tokens =
    c.value.sliding_window === null || (c.get('sliding_window') ?? absent) === undefined ? 0 : sizeIn(c, 'sliding_window', absent);
  return tokens === 0 ? undefined : tokens - 1;
}

/** The windows of causal layers, some of which slide, or all unless a config lists them. */
export function windowsIn(
  c: JsonNode,
  L: number,
  absent?: number,
  slides: Slides = () => true,
): (l: number) => { window: number | undefined } {
  const window = windowIn(c, absent);
  const types = layerTypes(c, L, (l) => window !== undefined && slides(l));
  return (l) => ({ window: types[l] === 'sliding_attention' ? window : undefined });
}

function rotaryBase(c: JsonNode, type: string, [key, absent]: Key): number {
  const within = (node: JsonNode | undefined, name: string) => (node?.get(name) === undefined ? undefined : node.object(name));
  const own = within(within(c, 'rope_parameters'), type);
  for (const [name, node] of Object.entries({ rope_parameters: own, rope_scaling: within(c, 'rope_scaling') })) {
    const kind = node?.string('rope_type', node.string('type', 'default')) ?? 'default';
    const other = Object.keys(node?.value ?? {}).find((given) => !['rope_type', 'type', 'rope_theta'].includes(given));
    if (kind !== 'default' || other) throw unsupported(c, name, `rotary positions with ${quote(other ?? kind)}`);
  }
  const base = own?.get('rope_theta') === undefined ? numberIn(c, key, absent) : numberIn(own, 'rope_theta', absent);
  if (base > 0) return base;
  throw c.error(`must have a ${key} above 0`);
}
