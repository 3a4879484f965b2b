/**
 * Tied tables, as in transformers 5 (PreTrainedModel.tie_weights): a checkpoint may hold tables that config.json ties once, under any of their names, or
 * several times. Equal copies become one table; different ones are each used, with a warning.
 */
import { warn } from '../io/warn.js';
import type { Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import type { CheckpointSummary, EncoderDecoderChoices, Names, Spelt, Tie } from './architecture.js';
import { nameOf } from './names.js';

/** A module with tables that may be tied. */
export interface Tied extends Module {
  /** Replaces `copy` by `table` in all its uses. */
  tie(copy: string, table: string): void;
  /** Frees the tables that nothing reads. */
  tied?(): void;
}

/** Name of a module's table in a checkpoint. */
const tensorOf = ({ weights }: Spelt, module: string): string => `${nameOf(weights?.[module] ?? '')}.weight`;

/** Modules of a tie that have a tensor in the checkpoint: first the one that counts, then the others. */
const held = (spelt: Spelt, { table, copies }: Tie, has: CheckpointSummary['has']) =>
  [table, ...copies].filter((module) => has(tensorOf(spelt, module)));

/** Modules that have a tensor of their own beside the shared table. */
export const apartIn = (spelt: Spelt, has: CheckpointSummary['has']): ReadonlySet<string> =>
  new Set(spelt.ties.flatMap((tie) => held(spelt, tie, has).slice(1)));

/** Tie of one table for sources, targets and scores; its copies in the order in which transformers looks for one. */
export const oneTable = (...copies: readonly string[]): readonly Tie[] => [{ table: 'embedding', copies }];

/** Tables of an encoder-decoder: shared, apart from those that a checkpoint has separately. */
export function tablesOf({ apart }: CheckpointSummary): Pick<EncoderDecoderChoices, 'tables' | 'compared'> {
  const read = <Name extends string>(module: Name) => (apart(module) ? module : ('embedding' as const));
  const tables = { source: read('encoder_embedding'), target: read('decoder_embedding'), output: read('lm_head') };
  const copies = ['encoder_embedding', 'decoder_embedding', 'lm_head'].filter(apart);
  return { tables, compared: copies.length ? ['embedding', ...copies] : [] };
}

/** Architecture under the names that a checkpoint has. */
export function asHeld(spelt: Spelt, has: CheckpointSummary['has']): Spelt {
  const { weights, ties, spellings = {} } = spelt;
  if (!weights) return spelt;
  const tables = ties.map((tie) => [tie.table, weights[held(spelt, tie, has)[0] ?? tie.table]]);
  const others = Object.entries(spellings).map(([key, names]) => [key, names.find(has) ?? weights[key]]);
  return { ...spelt, weights: { ...weights, ...(Object.fromEntries([...tables, ...others]) as Names) } };
}

/** Tensors of a checkpoint that equal the table to which they are tied; `find` gives a tensor's values. */
export function equalCopies(spelt: Spelt, find: (tensor: string) => Parameter | undefined): string[] {
  return spelt.ties.flatMap((tie) => {
    const [first, ...rest] = held(spelt, tie, (name) => find(name) !== undefined).map((module) => tensorOf(spelt, module));
    return rest.filter((name) => first && find(name)?.equals(find(first) as Parameter));
  });
}

/** Merges equal copies of a table, once all of them are loaded. */
export function settleTies(module: Module, spelt: Spelt, { apart }: CheckpointSummary, folder: string): void {
  const tied = module as Tied;
  for (const { table, copies } of spelt.ties) {
    const parameters = new Map(module.namedParameters());
    const whole = parameters.get(`${table}.weight`);
    for (const copy of copies.filter(apart)) {
      const other = parameters.get(`${copy}.weight`);
      if (!whole || !other) continue;
      if (whole.equals(other)) tied.tie(copy, table);
      else
        warn(
          `${folder} ties ${tensorOf(spelt, copy)} to ${tensorOf(spelt, table)} and holds both with different numbers, which are used as they are`,
        );
    }
  }
  if (spelt.ties.length) tied.tied?.();
}
