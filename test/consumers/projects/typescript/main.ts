/** Every entry, and the types that users write out. */
import {
  AutoModel,
  AutoTokenizer,
  type Batch,
  createEngine,
  type Engine,
  type EngineInfo,
  type EngineOptions,
  type FeatureExtractionOptions,
  type FeatureExtractor,
  HeedError,
  type HostTensor,
  type Model,
  type ModelOutput,
  type PretrainedOptions,
  type ProgressEvent,
  pipeline,
} from 'heed';
import { bert, pipeline as corePipeline } from 'heed/core';
import { createEngine as createInline } from 'heed/inline';
import { Linear, Module } from 'heed/nn';
import { add, type Tensor, tensor } from 'heed/ops';

export interface Answer {
  info: EngineInfo;
  dims: readonly number[];
  data: number[];
}

/** A module of the user's own. */
class Twice extends Module {
  readonly linear: Linear;

  constructor(engine: Engine) {
    super(engine);
    this.linear = this.child('linear', new Linear(engine, 2, 1, { bias: false }));
  }

  forward(x: Tensor): Tensor {
    return this.linear.forward(add(x, x));
  }
}

export async function run(location: string): Promise<Answer> {
  const options: EngineOptions = { deterministic: true, threads: 2, inlineBelow: 0 };
  const engine: Engine = await createEngine(options);
  const seen: ProgressEvent[] = [];
  const pretrained: PretrainedOptions = { engine, progress_callback: (event) => seen.push(event) };
  const embed: FeatureExtractor = await pipeline('feature-extraction', location, pretrained);
  const how: FeatureExtractionOptions = { pooling: 'mean', normalize: true };
  const { dims, data }: HostTensor = await embed('a cat and a dog', how);

  const twice = new Twice(engine);
  twice.loadStateDict({ 'linear.weight': { data: [1, 10], dims: [1, 2] } });
  const y: HostTensor = engine.scope(() => twice.forward(tensor(engine, [[1, 2]])).toHost());
  if (y.data[0] !== 42) throw new HeedError('NUMERIC', `42 is ${y.data[0]}`);

  const tokenizer = await AutoTokenizer.from_pretrained(location);
  const batch: Batch = tokenizer(['a cat', 'a dog']);
  const model: Model = await AutoModel.from_pretrained(location, { engine });
  const { last_hidden_state }: ModelOutput = await model(batch);
  const rows = last_hidden_state.tolist() as number[][][];
  if (rows.length !== 2 || seen.length === 0) throw new Error(`two texts gave ${last_hidden_state.dims}; ${seen.length} events`);

  return { info: engine.info, dims, data: [...data].map(Number) };
}

/** heed, heed/core and heed/inline offer the same. */
export const same: (typeof pipeline)[] = [pipeline, corePipeline];
export const engines: (typeof createEngine)[] = [createEngine, createInline];
export const name: string = bert.name;

// @ts-expect-error: there is no such option
export const wrongOption: PretrainedOptions = { quantize: true };
// @ts-expect-error: there is no such option here either
export const wrongEngine = () => createEngine({ thread: 2 });
// @ts-expect-error: there is no such task
export const wrongTask = () => pipeline('fill-in-mask', 'model');
