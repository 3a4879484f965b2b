/**
 * A training run as bytes: one safetensors file with everything that determines how the run continues. Tensors `model.…` are the parameters, `optimizer.….slot` the
 * moments, and `checksum`, the last, is the CRC-32C of all bytes before its own, so that a file that was cut or altered anywhere is refused before any
 * of it is used. The metadata have the state, and the origin of the file. It is written and read a tensor at a time.
 */
import { VERSION } from '../engine/build.js';
import type { Engine } from '../engine/engine.js';
import { BUILD } from '../engine/kernels.generated.js';
import { HeedError } from '../errors.js';
import { crc32c } from '../io/crc32c.js';
import { malformed } from '../io/header.js';
import { JsonNode, parseJson } from '../io/json.js';
import { openSafetensors, type SafetensorsFile } from '../io/safetensors.js';
import { floatEntry, type SafetensorsEntry, writeSafetensors } from '../io/safetensors_writer.js';
import type { TensorInfo } from '../io/weights.js';
import { entriesOf } from '../models/save.js';
import type { Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import type { ByteStream } from '../runtime/types.js';
import type { Shape } from '../tensor.js';
import { type LearnerOptions, type TrainerState, within } from './learner.js';

const FORMAT = 'heed-checkpoint-1';
const CHECKSUM = 'checksum';

/** CRC-32C of any bytes that are followed by their own CRC-32C, little-endian. */
const RESIDUE = 0x48674bc7;

/** Content of a checkpoint: the part of a learner that determines how the run continues. */
export interface Run {
  readonly engine: Engine;
  readonly model: Module;
  readonly options: Pick<LearnerOptions<never, never>, 'optimizer' | 'seed' | 'accumulate' | 'clip'> & {
    readonly loader: { readonly length: number | undefined };
  };
  state: TrainerState;
  /** Lets go of the data that it stands in. */
  rewind(): Promise<void>;
}

/** Yields the chunks of a checkpoint. */
export function* checkpointOf(run: Run): Generator<Uint8Array, void> {
  let sum = 0;
  const checksum: SafetensorsEntry = {
    ...{ name: CHECKSUM, dtype: 'U8', shape: [4] },
    get bytes() {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, sum, true);
      return bytes;
    },
  };
  const { optimizer } = run.options;
  const metadata = {
    format: FORMAT,
    state: JSON.stringify({ ...run.state, optimizer: optimizer.steps, steps: optimizer.fewerSteps }),
    origin: JSON.stringify(originOf(run)),
  };
  for (const chunk of writeSafetensors([...tensorsOf(run), checksum], metadata)) {
    sum = crc32c(chunk, sum);
    yield chunk;
  }
}

function* tensorsOf({ model, options }: Run): Generator<SafetensorsEntry, void> {
  yield* entriesOf(model, 'float32', 'model.');
  const { slotShapes: shapes } = options.optimizer;
  for (const [name, moment] of options.optimizer.namedState())
    yield floatEntry(`optimizer.${name}`, shapes.get(name) as Shape, () => moment.toHost());
}

/** Origin of a checkpoint: the settings that determined its bits, and determine the bits to come. */
function originOf({ engine, options }: Run): Record<string, string | number | boolean | null> {
  const { simd, deterministic, threads, runtime } = engine.info;
  const { seed, accumulate, clip, loader, optimizer } = options;
  return {
    ...{ version: VERSION, build: BUILD.toString(16), binary: simd, deterministic, threads, runtime },
    ...{ seed, accumulate, clip: clip ?? null, batches: loader.length ?? null, optimizer: optimizer.constructor.name },
  };
}

/** Names of origins, for warnings where one has changed. Threads change no bits in deterministic mode, and runtimes never should. */
const origins: Readonly<Record<string, string>> = {
  ...{
    version: "heed's version",
    build: 'the build of the kernels',
    binary: 'the binary',
    deterministic: 'deterministic mode',
    threads: 'threads',
  },
  ...{ seed: 'the seed', accumulate: 'accumulate', clip: 'clip', batches: 'batches in an epoch', optimizer: 'the optimizer' },
};

/**
 * Reads a checkpoint into a run. `open` is called twice: the bytes are checked before the first of them is used. Throws FORMAT for a damaged file or one that is no
 * checkpoint, MODEL_MISMATCH for a checkpoint of another model; then nothing has changed.
 */
export async function restore(run: Run, open: () => Promise<ByteStream>, warn: (message: string) => void): Promise<void> {
  await verify(await open());
  const file = await openSafetensors(await open());
  try {
    const { metadata, name } = file;
    if (metadata.get('format') !== FORMAT) throw malformed(name, `it is no checkpoint of this version's trainer (${FORMAT})`);
    const [origin, json] = ['origin', 'state'].map((key) => JsonNode.of(name, parseJson(encode(metadata.get(key) ?? ''), name))) as [
      JsonNode,
      JsonNode,
    ];
    const state = readState(json);
    const parameters = run.model.distinctParameters();
    check(file, parameters, run.options.optimizer.slotShapes);
    const steps = readSteps(json);
    await run.rewind();
    await fill(file, run, parameters, steps);
    run.state = within(state, run.options.loader.length);
    for (const message of differences(origin, run)) warn(`${name}: ${message}`);
  } finally {
    await file.close();
  }
}

function differences(origin: JsonNode, run: Run): string[] {
  const now = originOf(run);
  return Object.entries(origins).flatMap(([key, what]) => {
    const [before, here] = [origin.get(key) ?? null, now[key] ?? null];
    if (before === here || (key === 'threads' && now.deterministic)) return [];
    return [`${what}: ${here}, and ${before} where it was written; the run will not have the bits that it would have had`];
  });
}

/** Reads all of a stream and closes it. Throws FORMAT unless its end is the checksum of the rest. */
async function verify(stream: ByteStream): Promise<void> {
  const buffer = new Uint8Array(1 << 20);
  let sum = 0;
  try {
    for (let count = -1; count !== 0; ) {
      count = await stream.read(buffer);
      sum = crc32c(buffer.subarray(0, count), sum);
    }
  } finally {
    await stream.close();
  }
  if (sum !== RESIDUE) throw malformed(stream.name, 'its checksum is wrong: it was cut short or altered');
}

/** Throws MODEL_MISMATCH unless all parameters are there, and moments, if any, of parameters only. */
function check(file: SafetensorsFile, parameters: ReadonlyMap<string, Parameter>, slots: ReadonlyMap<string, Shape>): void {
  const expected = new Map<string, Shape>([[CHECKSUM, [4]]]);
  for (const [name, { shape }] of parameters) expected.set(`model.${name}`, shape);
  for (const [name, shape] of slots) expected.set(`optimizer.${name}`, shape);
  for (const { name, shape, dtype } of file.tensors) {
    const wanted = expected.get(name);
    if (!wanted) throw mismatch(file, name, shape, 'which this model and optimizer do not');
    if (wanted.join() !== shape.join() || dtype !== (name === CHECKSUM ? 'U8' : 'F32'))
      throw mismatch(file, name, shape, `${dtype} [${shape}]; it must be F32 [${wanted}]`);
  }
  for (const [name, { shape }] of parameters)
    if (!file.header.has(`model.${name}`))
      throw new HeedError('MODEL_MISMATCH', `${file.name} has no model.${name}`, { culprit: name, shape });
}

const mismatch = ({ name: file }: SafetensorsFile, name: string, shape: Shape, what: string) =>
  new HeedError('MODEL_MISMATCH', `${file} has ${name}, ${what}`, {
    culprit: name,
    shape,
    cure: 'Make the model and the optimizer as they were',
  });

async function fill(
  file: SafetensorsFile,
  { model, options }: Run,
  parameters: ReadonlyMap<string, Parameter>,
  { optimizer: step, fewer }: OptimizerSteps,
): Promise<void> {
  const { heap } = model.engine;
  const names = (start: string) => file.tensors.filter(({ name }) => name.startsWith(start)).map(({ name }) => name.slice(start.length));
  options.optimizer.restore(step, new Set(names('optimizer.')), fewer);
  const moments = new Map(options.optimizer.namedState());
  for (const tensor of file.tensors) {
    const parameter = parameters.get(tensor.name.replace(/^model\./, ''));
    const moment = moments.get(tensor.name.replace(/^optimizer\./, ''));
    if (tensor.name.startsWith('model.') && parameter) await fillParameter(file, tensor, parameter);
    else if (moment) await file.read(tensor, (chunk, offset) => heap.bytes.set(chunk, moment.ptr + offset));
  }
  await file.end();
}

async function fillParameter(file: SafetensorsFile, tensor: TensorInfo, parameter: Parameter): Promise<void> {
  const rowBytes = 4 * parameter.width;
  parameter.reset();
  await file.read(tensor, (chunk, offset) => parameter.write(offset / rowBytes, chunk), {
    granularity: rowBytes * parameter.rowStep,
  });
}

function readState(json: JsonNode): TrainerState {
  const whole = (node: JsonNode, key: string) => node.integer(key, Number.MAX_SAFE_INTEGER);
  const float = (node: JsonNode, key: string) => {
    const value = node.get(key);
    if (typeof value !== 'number') throw node.error(`has no ${key}`);
    return value;
  };
  const window = json.object('window');
  const best = json.get('best') === undefined ? undefined : json.object('best');
  return {
    ...{ step: whole(json, 'step'), epoch: whole(json, 'epoch'), batch: whole(json, 'batch'), batches: whole(json, 'batches') },
    window: { loss: float(window, 'loss'), targets: whole(window, 'targets') },
    best: best && { value: float(best, 'value'), step: whole(best, 'step') },
    stale: whole(json, 'stale'),
  };
}

interface OptimizerSteps {
  optimizer: number;
  fewer: Readonly<Record<string, number>>;
}

/** Steps of the optimizer, and of parameters that took fewer; checkpoints of earlier versions have no counts for the latter. */
function readSteps(json: JsonNode): OptimizerSteps {
  const optimizer = json.integer('optimizer', Number.MAX_SAFE_INTEGER);
  const own = json.get('steps') === undefined ? undefined : json.object('steps');
  const names = Object.keys(own?.value ?? {});
  return { optimizer, fewer: Object.fromEntries(names.map((name) => [name, (own as JsonNode).integer(name, optimizer)])) };
}

const encode = (text: string) => new TextEncoder().encode(text);
