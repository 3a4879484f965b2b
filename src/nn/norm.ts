/** Norms by their names in block specifications. */
import type { Engine } from '../engine/engine.js';
import { wrongArgument } from '../ops/check.js';
import { LayerNorm, RMSNorm } from './layers.js';

/** Norms by name. */
const norms = {
  layer: (engine: Engine, C: number, { eps, bias = true }: NormSpec): Norm => new LayerNorm(engine, C, { eps, bias }),
  rms: (engine: Engine, C: number, { eps }: NormSpec): Norm => new RMSNorm(engine, C, { eps }),
  /** x / sqrt(mean x² + eps) · (1 + w): Gemma's. */
  rms1: (engine: Engine, C: number, { eps }: NormSpec): Norm => new RMSNorm(engine, C, { eps, offset: 1 }),
} as const;
export type NormKind = keyof typeof norms;
/** A norm of a layer. */
export type Norm = LayerNorm | RMSNorm;

/** Specification of a norm. */
export interface NormSpec {
  /** Kind of the norm. Default 'layer'. */
  kind?: NormKind | undefined;
  /** Constant that is added to the variance, or to the mean square. */
  eps: number;
  /** `true` where a layer norm has a bias. Default true. */
  bias?: boolean | undefined;
}

/** Norm of C channels. Throws ARGUMENT for an unknown kind. */
export function makeNorm(engine: Engine, C: number, spec: NormSpec): Norm {
  const { kind = 'layer' } = spec;
  if (!Object.hasOwn(norms, kind)) throw wrongArgument('TransformerLayer', 'norm', kind, `It is one of ${Object.keys(norms).join(', ')}`);
  return norms[kind](engine, C, spec);
}
