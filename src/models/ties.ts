/**
 * Tables that are one, or not, as transformers 5 has it (PreTrainedModel.tie_weights): what config.json ties a checkpoint may hold once, under any of its names, or
 * several times. Copies that are equal are one table; different ones are used as they are, which a warning tells.
 */
import { warn } from '../io/warn.js';
import type { Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import type { CheckpointSummary, EncoderDecoderChoices, Names, Spelt, Tie } from './architecture.js';
import { nameOf } from './names.js';

/** What modules do whose tables may be one. */
export interface Tied extends Module {
  /** Goes on with `table` where `copy` was read. */
  tie(copy: string, table: string): void;
  /** Frees the tables that nothing reads. */
  tied?(): void;
}

/** What a checkpoint calls the table of a module. */
const tensorOf = ({ weights }: Spelt, module: string): string => `${nameOf(weights?.[module] ?? '')}.weight`;

/** The modules of a tie that a checkpoint has tensors for: the one that counts, and those beside it. */
const held = (spelt: Spelt, { table, copies }: Tie, has: CheckpointSummary['has']) =>
  [table, ...copies].filter((module) => has(tensorOf(spelt, module)));

/** The modules that have a tensor of their own beside the table. */
export const apartIn = (spelt: Spelt, has: CheckpointSummary['has']): ReadonlySet<string> =>
  new Set(spelt.ties.flatMap((tie) => held(spelt, tie, has).slice(1)));

/** One table for sources, targets and scores, and what a checkpoint may hold beside it; its copies in the order in which transformers looks for one. */
export const oneTable = (...copies: readonly string[]): readonly Tie[] => [{ table: 'embedding', copies }];

/** The tables of an encoder-decoder that are one but for those which a checkpoint has apart. */
export function tablesOf({ apart }: CheckpointSummary): Pick<EncoderDecoderChoices, 'tables' | 'compared'> {
  const read = <Name extends string>(module: Name) => (apart(module) ? module : ('embedding' as const));
  const tables = { source: read('encoder_embedding'), target: read('decoder_embedding'), output: read('lm_head') };
  const copies = ['encoder_embedding', 'decoder_embedding', 'lm_head'].filter(apart);
  return { tables, compared: copies.length ? ['embedding', ...copies] : [] };
}

/** The same architecture by the names that a checkpoint has. */
export function asHeld(spelt: Spelt, has: CheckpointSummary['has']): Spelt {
  const { weights, ties, spellings = {} } = spelt;
  if (!weights) return spelt;
  const tables = ties.map((tie) => [tie.table, weights[held(spelt, tie, has)[0] ?? tie.table]]);
  const others = Object.entries(spellings).map(([key, names]) => [key, names.find(has) ?? weights[key]]);
  return { ...spelt, weights: { ...weights, ...(Object.fromEntries([...tables, ...others]) as Names) } };
}

/** The tensors of a checkpoint that are the table which they are tied to, once more; `find` gives a tensor's values. */
export function equalCopies(spelt: Spelt, find: (tensor: string) => Parameter | undefined): string[] {
  return spelt.ties.flatMap((tie) => {
    const [first, ...rest] = held(spelt, tie, (name) => find(name) !== undefined).map((module) => tensorOf(spelt, module));
    return rest.filter((name) => first && find(name)?.equals(find(first) as Parameter));
  });
}

/** Makes one of what a checkpoint has several times, when all of it is there. */
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
