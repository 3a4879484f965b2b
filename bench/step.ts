/**
 * `bench step`: what the host does for a decoded token beside kernels. A tiny Llama of 30 layers, whose kernels are short, writes token by token; the launches of one of its
 * steps are written down, and run again as bare calls of the same kernels on the same memory. What a step takes beyond that is the host's: ops, modules, memory, the
 * cache, the calls themselves. Time is the processor's, which others on the machine lengthen little; of many batches of steps the median, and the least.
 */
import { AutoModelForCausalLM, createEngine, type Engine, writeSafetensors } from 'heed';
import { instantiate } from '../dist/engine/instantiate.js';
import type { Launch } from '../dist/engine/launch.js';
import type { Command } from './command.js';
import { processorTime, spread } from './measure.js';
import type { Row } from './table.js';
import { uniform } from './weights.js';

const size = { L: 30, C: 64, H: 4, G: 2, F: 128, V: 256 } as const;
const config = {
  ...{ model_type: 'llama', hidden_size: size.C, intermediate_size: size.F, num_hidden_layers: size.L, vocab_size: size.V },
  ...{ num_attention_heads: size.H, num_key_value_heads: size.G, max_position_embeddings: 4096, tie_word_embeddings: true },
};

/** Tokens of a prompt, and steps behind it that are timed together, since the processor's clock is coarse. */
const PROMPT = 32;
const STEPS = 64;

type Weights = Record<string, { data: Float32Array; dims: number[] }>;

function randomWeights(): Weights {
  const { L, C, H, G, F, V } = size;
  const weights: Weights = {};
  const put = (name: string, ...dims: number[]) => {
    const seed = Object.keys(weights).length + 1;
    const [N, K] = dims as [number, number | undefined];
    const data = K === undefined ? uniform(N, seed, 0.1, 1) : uniform(N * K, seed, Math.sqrt(3 / K));
    weights[name] = { data, dims };
  };
  put('model.embed_tokens.weight', V, C);
  put('model.norm.weight', C);
  for (let l = 0; l < L; l++) {
    const at = (name: string) => `model.layers.${l}.${name}.weight`;
    for (const name of ['input_layernorm', 'post_attention_layernorm']) put(at(name), C);
    for (const [name, heads] of [
      ['q_proj', H],
      ['k_proj', G],
      ['v_proj', G],
    ] as const)
      put(at(`self_attn.${name}`), (heads * C) / H, C);
    put(at('self_attn.o_proj'), C, C);
    for (const name of ['gate_proj', 'up_proj']) put(at(`mlp.${name}`), F, C);
    put(at('mlp.down_proj'), C, F);
  }
  return weights;
}

type Kernels = ReturnType<typeof instantiate>['kernels'];
type Model = Awaited<ReturnType<typeof AutoModelForCausalLM.from_pretrained>>;

/** Begins a text of so many rows, and gives what writes the next token of each. */
function* begun({ module }: Model, rows: number, write: (step: () => Generator<void, void>) => Generator<void, void>) {
  const state = module.start();
  const decode = function* (T: number) {
    (yield* module.decode(new Int32Array(rows * T).fill(T), [rows, T], state)).logits.dispose();
  };
  try {
    yield* decode(PROMPT);
    yield* write(() => decode(1));
  } finally {
    state.dispose();
  }
}

/** Milliseconds of a step. */
async function stepTime(engine: Engine, model: Model, rows: number, now: () => number): Promise<number> {
  let time = 0;
  await engine.run(() =>
    begun(model, rows, function* (step) {
      const begin = now();
      for (let t = 0; t < STEPS; t++) yield* step();
      time = (now() - begin) / STEPS;
    }),
  );
  return time;
}

/** Milliseconds of the launches of the middle step as bare calls, and how many they are. Their memory is as they left it. */
async function bareTime(
  engine: Engine,
  kernels: Kernels,
  model: Model,
  rows: number,
  now: () => number,
): Promise<[time: number, count: number]> {
  const { heap, launch } = engine;
  const { release } = heap;
  const launches: Launch[] = [];
  const freed: Parameters<typeof release>[0][] = [];
  let time = 0;
  const restore = () => {
    [engine.launch, heap.release] = [launch, release];
    for (const storage of freed.splice(0)) heap.release(storage);
  };
  await engine.run(() =>
    begun(model, rows, function* (step) {
      for (let t = 1; t < STEPS / 2; t++) yield* step();
      heap.release = (storage) => void freed.push(storage);
      engine.launch = (one) => {
        launch.call(engine, one);
        if (one.tiles > 0) launches.push({ ...one, args: [...one.args] });
      };
      try {
        yield* step();
        const calls = launches.map(({ kernel, first, tiles, args }) => [kernels[kernel], [first, first + tiles, ...args]] as const);
        const begin = now();
        for (let t = 0; t < STEPS; t++) for (const [run, args] of calls) (run as (...args: number[]) => void)(...args);
        time = (now() - begin) / STEPS;
      } finally {
        restore();
      }
    }),
  );
  return [time, launches.length];
}

/** Rounds that do not count: V8 compiles what is called often. */
const WARM = 10;

export const command: Command = {
  async run({ measuring: { rounds = 30, now = processorTime }, only = ['1', '4'] }) {
    const engine = await createEngine({ threads: 1 });
    const bytes = (await writeSafetensors(randomWeights())) as Uint8Array<ArrayBuffer>;
    const files = { 'config.json': new TextEncoder().encode(JSON.stringify(config)), 'model.safetensors': bytes };
    const model = await AutoModelForCausalLM.from_pretrained(files, { engine });
    const binary = engine.info.simd;
    const { kernels } = instantiate((await engine.runtime.loadModule(binary)) as WebAssembly.Module, engine.heap.wasm);
    const table: Row[] = [];
    for (const rows of only.map(Number)) {
      const [steps, bare]: [number[], number[]] = [[], []];
      let launches = 0;
      for (let round = -WARM; round < rounds; round++) {
        const step = await stepTime(engine, model, rows, now);
        const [time, count] = await bareTime(engine, kernels, model, rows, now);
        launches = count;
        if (round < 0) continue;
        steps.push(step * 1000);
        bare.push(time * 1000);
      }
      const host = steps.map((step, i) => step - (bare[i] as number));
      const least = (sample: readonly number[]) => sample.reduce((a, b) => Math.min(a, b));
      table.push({
        ...{ rows, launches, 'step µs': spread(steps).median, 'kernels µs': spread(bare).median, 'host µs': spread(host).median },
        ...{ 'least step µs': least(steps), 'least kernels µs': least(bare), 'their difference µs': least(steps) - least(bare) },
      });
    }
    model.dispose();
    await engine.dispose();
    const { L, C, H, G, F, V } = size;
    return {
      title: `Host work of a decoded token: a Llama of L ${L}, C ${C}, H ${H}, G ${G}, F ${F}, V ${V}, float32, threads 1, ${binary}`,
      tables: [{ rows: table }],
      notes: [
        `processor time; medians of ${rounds} rounds of ${STEPS} steps behind ${PROMPT} tokens, and the least`,
        'kernels: the launches of the middle step as bare calls; host: the step without them, in the same round',
      ],
    };
  },
};
