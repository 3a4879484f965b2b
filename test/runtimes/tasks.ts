/** Tasks in every runtime, in a page's worker as well: what Hugging Face's pipelines answer, one case of each. */
import type { PretrainedOptions } from 'heed';
import { assert, type Check, type Checks, type Env, type Heed } from './check.js';
import { readJson } from './fixtures.js';

const TOLERANCE = 1e-4;

/** Of test/fixtures/pipelines/expected.json. */
type Cases = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
type Case = Cases[string][number];

/** Where two values differ, if they do by more than numbers may. */
function difference(actual: unknown, expected: unknown, path = 'the answer'): string | undefined {
  if (typeof expected === 'number' && typeof actual === 'number')
    return Math.abs(actual - expected) <= TOLERANCE ? undefined : `${path} is ${actual}, not ${expected}`;
  if (typeof expected !== 'object' || expected === null || typeof actual !== 'object' || actual === null)
    return actual === expected ? undefined : `${path} is ${actual}, not ${expected}`;
  const [a, b] = [Object.entries(actual), Object.entries(expected)].map((entries) => entries.sort(([x], [y]) => (x < y ? -1 : 1)));
  if (String(a?.map(([name]) => name)) !== String(b?.map(([name]) => name))) return `${path} has ${a?.map(([name]) => name)}`;
  return b?.map(([name, value]) => difference((actual as Case)[name], value, `${path}.${name}`)).find((why) => why !== undefined);
}

/** What is asked of a task and what is expected, by the name of its cases; the model is the folder's. */
interface TaskCase {
  task: string;
  model: string;
  ask(one: Case): readonly unknown[];
  answer(one: Case): unknown;
}

const tasks: Readonly<Record<string, TaskCase>> = {
  classify: {
    ...{ task: 'sentiment-analysis', model: 'classify' },
    ask: ({ text, options }) => [text, { top_k: null, ...(options as object) }],
    answer: ({ scores }) => scores,
  },
  zero_shot: {
    ...{ task: 'zero-shot-classification', model: 'classify' },
    ask: ({ text, labels, options }) => [text, labels, options],
    answer: ({ answer }) => answer,
  },
  ner: { task: 'ner', model: 'ner', ask: ({ text, options }) => [text, options], answer: ({ entities }) => entities },
  qa: {
    ...{ task: 'question-answering', model: 'qa' },
    ask: ({ question, context, options }) => [question, context, options],
    answer: ({ answers }) => (answers as unknown[])[0],
  },
  fill_mask: { task: 'fill-mask', model: 'mlm', ask: ({ text, options }) => [text, options], answer: ({ filled }) => filled },
};

async function casesOf(heed: Heed, env: Env): Promise<Cases> {
  const engine = await heed.createEngine({ threads: 1 });
  try {
    return (await readJson(engine, env.locate('fixtures/pipelines/expected.json'))) as Cases;
  } finally {
    await engine.dispose();
  }
}

const answers =
  (name: string, { task, model, ask, answer }: TaskCase): Check =>
  async (heed, env) => {
    const one = (await casesOf(heed, env))[name]?.[0];
    assert(one, `there is no case of ${name}`);
    type Pipe = ((...given: readonly unknown[]) => Promise<unknown>) & { dispose(): void };
    const load = heed.pipeline as unknown as (task: string, model: string, options: PretrainedOptions) => Promise<Pipe>;
    for (const worker of env.page ? [true, false] : [false]) {
      const run = await load(task, env.locate(`fixtures/pipelines/${model}`), { worker, engine: { threads: 1 } });
      const why = difference(await run(...ask(one)), answer(one));
      run.dispose();
      assert(why === undefined, `${worker ? 'in a worker ' : ''}${why}`);
    }
  };

export const taskChecks: Checks = Object.fromEntries(
  Object.entries(tasks).map(([name, one]) => [`${one.task} answers what Hugging Face's does`, answers(name, one)]),
);
