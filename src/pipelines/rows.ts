/**
 * Rows of tokens through an encoder, in batches of similar lengths to save padding; results come in the order of the rows. All pipelines and models that read
 * texts run them here.
 */
import type { Engine } from '../engine/engine.js';
import { HeedError, isSignal, kindOf } from '../errors.js';
import type { Encoder, EncoderOutputs, EncoderWants } from '../models/encoder.js';
import { withRoom } from '../models/room.js';
import type { Tensor } from '../tensor.js';
import { batchesOf, ENCODER_BATCH, ENCODER_TOKENS, padded } from '../text/rows.js';
import { numbers } from './scores.js';

export interface TokenRow {
  readonly ids: readonly number[];
  /** Text of the pair (0 or 1) of each token. Default: all 0. */
  readonly typeIds?: readonly number[] | undefined;
}

/** Options that everything has which runs many texts. */
export interface RunOptions {
  /** Ends the work between batches; the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Called after each batch with the number of rows done. A text is a row, unless it is cut into windows or sentences, or stands in several pairs. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export const runOptionNames: readonly string[] = ['signal', 'onProgress'];

/** Throws ARGUMENT for a signal or a listener that is none, and `signal.reason` where it is too late. */
export function checkRunOptions(task: string, { signal, onProgress }: RunOptions): void {
  const wrong = (name: string, value: unknown, cure: string) =>
    new HeedError('ARGUMENT', `${task}: ${name} is ${kindOf(value)}`, { culprit: name, cure });
  if (signal !== undefined && !isSignal(signal)) throw wrong('signal', signal, 'It must be an AbortSignal');
  if (onProgress !== undefined && typeof onProgress !== 'function') throw wrong('onProgress', onProgress, 'It must be a function');
  signal?.throwIfAborted();
}

/** A model that rows are run through. */
export interface Runs {
  readonly encoder: Encoder;
  run<T>(steps: () => Generator<unknown, T>, signal: AbortSignal | undefined): Promise<T>;
}

export interface RowsOptions<Row> extends RunOptions {
  /** Padding id of rows, which the model ignores. Default 0. */
  pad?: number | undefined;
  /** Tokens of a row that a head for tokens scores. Default: all. */
  places?: ((row: Row) => readonly number[]) | undefined;
}

/**
 * Results of `read` for each row, in the order of `rows`. `read` is called once for a batch, while its tensors [B, T, …] are alive, and returns one result for each row
 * of the batch, in host memory. Rejects with ARGUMENT for rows that the model does not accept, NUMERIC for values that are not finite, and with `signal.reason`.
 */
export async function runRows<Row extends TokenRow, Result>(
  model: Runs,
  rows: readonly Row[],
  read: (outputs: EncoderOutputs, batch: Row[]) => readonly Result[],
  { pad = 0, places, signal, onProgress }: RowsOptions<Row> = {},
): Promise<Result[]> {
  const { encoder } = model;
  const results = new Array<Result>(rows.length);
  const jobs = rows.map((row, index) => ({ index, row, ids: row.ids }));
  let done = 0;
  for (const batch of batchesOf(jobs, ENCODER_TOKENS, ENCODER_BATCH)) {
    const members = batch.map(({ row }) => row);
    const {
      ids,
      dims: shape,
      lengths,
    } = padded(
      members.map((row) => row.ids),
      pad,
    );
    const inputs = { ids, shape, lengths, typeIds: typesOf(members, shape, encoder.dims.types) };
    const wants: EncoderWants = places ? { places: placesOf(members.map(places), shape[1]) } : {};
    const found = await model.run(function* () {
      return read(yield* withRoom(encoder.engine, shape, () => encoder.steps(inputs, wants)), members);
    }, signal);
    for (const [i, { index }] of batch.entries()) results[index] = found[i] as Result;
    done += batch.length;
    onProgress?.(done, rows.length);
  }
  return results;
}

/** [B, T]; undefined where all are 0, or the model does not tell types apart. */
function typesOf(rows: readonly TokenRow[], [B, T]: readonly [number, number], types: number): Int32Array | undefined {
  if (types < 2 || !rows.some(({ typeIds }) => typeIds?.some((type) => type !== 0))) return undefined;
  const all = new Int32Array(B * T);
  for (const [i, { typeIds = [] }] of rows.entries()) all.set(typeIds, i * T);
  return all;
}

/** Places in rows as places in the batch. */
const placesOf = (rows: readonly (readonly number[])[], T: number): Int32Array =>
  Int32Array.from(rows.flatMap((places, i) => places.map((t) => i * T + t)));

/** Values of each row of x [B, …], which errors name `name`, 'logits' by default. Throws NUMERIC for values that are not finite. */
export const partsOf = (x: Tensor, name?: string): Float32Array[] => rowsOf(x).map((row) => numbers(row, name));

/** Values of each row's tokens in x [B, T, …], without padding. Throws NUMERIC for values that are not finite. */
export const tokensOf = (x: Tensor, rows: readonly TokenRow[], name?: string): Float32Array[] =>
  rowsOf(x).map((row, i) => numbers(row.subarray(0, ((rows[i] as TokenRow).ids.length * row.length) / x.dim(1)), name));

function rowsOf(x: Tensor): Float32Array[] {
  const B = x.dim(0);
  const data = x.toHost().data as Float32Array;
  const width = data.length / Math.max(1, B);
  return Array.from({ length: B }, (_, b) => data.subarray(b * width, (b + 1) * width));
}

/** Makes something of each of many texts, and gives the event loop its turns meanwhile. */
export async function eachOf<Item, Result>(
  engine: Engine,
  items: readonly Item[],
  make: (item: Item, index: number) => Generator<void, Result>,
  signal?: AbortSignal,
): Promise<Result[]> {
  const made: Result[] = [];
  for (const [index, item] of items.entries()) made.push(await inTurns(engine, make(item, index), signal));
  return made;
}

/** Runs `steps` and returns their result; the event loop has its turns between the steps and after the last. Rejects with `signal.reason` after an abort. */
export async function inTurns<Result>(engine: Engine, steps: Generator<void, Result>, signal?: AbortSignal): Promise<Result> {
  for (;;) {
    const { done, value } = steps.next();
    await engine.turn(signal);
    if (done) return value;
  }
}
