/**
 * Learning curves for TensorBoard: event files, which are TFRecords of Event messages, written during a run. Records are buffered and appended in the
 * background, in order; `flush` and `close` wait for it and throw its errors. Each run, and each resumption of one, has a file of its own in the folder, and
 * begins with the step at which it resumes, so that TensorBoard drops the records of a killed run beyond its last checkpoint.
 *
 *   record   length u64 | crc of length u32 | message | crc of message u32        crc: masked CRC-32C, rot(crc, 15) + 0xa282ead8
 *
 * Formats: tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto.
 */
import type { Engine } from '../engine/engine.js';
import { checkOptions, HeedError, kindOf } from '../errors.js';
import { concatenated } from '../io/bytes.js';
import { crc32c } from '../io/crc32c.js';
import type { Runtime } from '../runtime/types.js';
import type { TrainingRecord } from './fit.js';

/** A protobuf field: numbers are doubles (wire type 1), fixed floats (5) or varints (0); bytes and texts have a length (2). */
type Field =
  | readonly [number: number, kind: 'double' | 'float' | 'varint', value: number]
  | readonly [number: number, value: Uint8Array | string];

const utf8 = new TextEncoder();

/** A protobuf message. */
export function message(...fields: readonly Field[]): Uint8Array {
  return concatenated(
    fields.flatMap((field) => {
      const [number, ...rest] = field;
      if (rest.length === 1) {
        const bytes = typeof rest[0] === 'string' ? utf8.encode(rest[0]) : rest[0];
        return [varint((number << 3) | 2), varint(bytes.length), bytes];
      }
      const [kind, value] = rest;
      const wire = { varint: 0, double: 1, float: 5 }[kind];
      return [varint((number << 3) | wire), encoders[kind](value)];
    }),
  );
}

/** Seven bits a byte, the lowest first; whole numbers from 0 to 2^53. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, rest]);
}

const encoders = {
  varint,
  double: (value: number) => new Uint8Array(Float64Array.of(value).buffer),
  float: (value: number) => new Uint8Array(Float32Array.of(value).buffer),
};

/** The checksum of a TFRecord: masked, so that a file which holds records, checksums and all, can be in a record. */
export function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** A message as it stands in a file. */
export function tfRecord(bytes: Uint8Array): Uint8Array {
  const record = new Uint8Array(16 + bytes.length);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(bytes.length), true);
  view.setUint32(8, maskedCrc(record.subarray(0, 8)), true);
  record.set(bytes, 12);
  view.setUint32(12 + bytes.length, maskedCrc(bytes), true);
  return record;
}

/** Fields of Event and SessionLog. */
const [WALL_TIME, STEP, FILE_VERSION, SUMMARY, SESSION_LOG] = [1, 2, 3, 5, 7];
const START = 1;

/** Options of TensorBoard.open. */
export interface TensorBoardOptions {
  /** Step from which a resumed run continues: later steps in earlier files are no longer shown. Default 0. */
  step?: number | undefined;
}

/** Writes learning curves into an event file that TensorBoard shows. */
export class TensorBoard {
  readonly #runtime: Runtime;
  #pending: Uint8Array[] = [];
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;

  private constructor(
    runtime: Runtime,
    /** Path of the event file. */
    readonly file: string,
  ) {
    this.#runtime = runtime;
  }

  /**
   * Begins a file in a folder. Throws STORAGE where it cannot be written, UNSUPPORTED where there are no files.
   * @example
   * const board = await TensorBoard.open(engine, 'runs/mine');
   * await trainer.fit({ epochs: 10, onLog: (record) => board.log(record) });
   * await board.close();
   */
  static async open(engine: Engine, folder: string, options: TensorBoardOptions = {}): Promise<TensorBoard> {
    checkOptions(options, ['step'], 'TensorBoard.open');
    const { step = 0 } = options;
    if (typeof folder !== 'string' || folder === '')
      throw new HeedError('ARGUMENT', `TensorBoard: the folder is ${kindOf(folder)}`, { culprit: 'folder', cure: 'Give a path' });
    checkStep(step);
    const { runtime } = engine;
    const board = new TensorBoard(runtime, await begun(runtime, folder, event([FILE_VERSION, 'brain.Event:2'])));
    if (step > 0) board.#event([STEP, 'varint', step + 1], [SESSION_LOG, message([1, 'varint', START])]);
    await board.flush();
    return board;
  }

  /** A point of a curve. Tags with the same beginning up to a slash stand together. */
  scalar(tag: string, value: number, step: number): void {
    this.scalars({ [tag]: value }, step);
  }

  /** Adds a point to each of several curves. Values that are NaN are left out. */
  scalars(values: Readonly<Record<string, number>>, step: number): void {
    checkStep(step);
    const points = Object.entries(values).filter(([, value]) => !Number.isNaN(value));
    for (const [tag, value] of points)
      if (typeof value !== 'number')
        throw new HeedError('ARGUMENT', `TensorBoard: ${tag} is ${kindOf(value)}`, { culprit: tag, cure: 'Give a number' });
    if (points.length === 0) return;
    const summary = message(...points.map(([tag, value]): Field => [1, message([1, tag], [2, 'float', value])]));
    this.#event([STEP, 'varint', step], [SUMMARY, summary]);
  }

  /** A record of `fit`: the training loss, rate, gradient norm and speed, and what an evaluation found. */
  log({ step, epoch, loss, rate, norm, stepsPerSecond, tokensPerSecond, validation = {} }: TrainingRecord): void {
    const validated = Object.entries(validation).map(([name, value]) => [`validation/${name}`, value]);
    const trained = { loss, rate, gradient_norm: norm, epoch, steps_per_second: stepsPerSecond, tokens_per_second: tokensPerSecond };
    const training = Object.entries(trained).map(([name, value]) => [`train/${name}`, value]);
    this.scalars(Object.fromEntries([...training, ...validated]), step);
  }

  #event(...fields: readonly Field[]): void {
    this.#pending.push(event(...fields));
    if (this.#pending.length > 1) return; // an append is on its way that will take it along
    this.#writing = this.#writing.then(async () => {
      const bytes = concatenated(this.#pending.splice(0));
      // After a failure there would be a gap.
      if (this.#failure === undefined) await this.#runtime.appendFile(this.file, bytes);
    });
    this.#writing = this.#writing.catch((error: unknown) => {
      this.#failure ??= error;
    });
  }

  /** Waits until all that was logged is in the file. Throws STORAGE where it could not be written, as do all later ones. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Flushes; a file needs no end mark. */
  async close(): Promise<void> {
    await this.flush();
  }
}

/** A record of what happens now. */
const event = (...fields: readonly Field[]): Uint8Array => tfRecord(message([WALL_TIME, 'double', Date.now() / 1000], ...fields));

function checkStep(step: number): void {
  if (!(Number.isSafeInteger(step) && step >= 0))
    throw new HeedError('ARGUMENT', `TensorBoard: the step is ${kindOf(step)}`, { culprit: 'step', cure: 'It is a whole number from 0' });
}

/** File name events.out.tfevents.<seconds>.heed.<n>: TensorBoard reads files in the order of their names. Files begun at the same moment, in other processes too, differ in n. */
async function begun(runtime: Runtime, folder: string, first: Uint8Array): Promise<string> {
  const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, '0');
  for (let n = 0; ; n++) {
    const file = runtime.join(folder, `events.out.tfevents.${seconds}.heed.${n}`);
    if (await runtime.appendFile(file, first, { fresh: true })) return file;
  }
}
