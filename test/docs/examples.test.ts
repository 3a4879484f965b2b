/** The examples of doc comments type-check, each as a program that has imported what it names of heed's, and in which the things that it speaks of exist. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { errorsOf } from './compiler.js';
import { root } from './pages.js';

/** Where an example finds a name: the first that exports it; ops and modules look into `heed` last, which has functions of the same names for host tensors. */
const entries = [
  'heed',
  'heed/nn',
  'heed/ops',
  'heed/train',
  'heed/structured',
  'heed/server',
  'heed/ai',
  'heed/langchain',
  'heed/core',
  'node:fs',
];

const loaded = (name: string) => `Awaited<ReturnType<typeof heed.${name}.from_pretrained>>`;

/** What examples speak of without making it, and its type. `more` stands for the dots of an example. */
const things: Readonly<Record<string, string>> = {
  ...{ engine: 'heed.Engine', tokenizer: loaded('AutoTokenizer'), x: 'heed.Tensor', logits: 'heed.HostTensor', more: 'any' },
  ...{ a: 'heed.HostTensor', b: 'heed.HostTensor', heads: 'number', targets: 'heed.Tensor', texts: 'string[]', lines: 'string[]' },
  ...{
    embed: 'heed.FeatureExtractor',
    options: 'Parameters<heed.FeatureExtractor>[1]',
    labels: 'number[]',
    server: "import('heed/server').Server",
    scores: 'Float32Array<ArrayBuffer>',
    ids: 'number[]',
  },
  ...{
    model: 'any',
    dataset: 'train.TranslationDataset',
    loader: 'any',
    validation: 'any',
    trainer: 'train.Trainer<any, any>',
    examples: 'heed.TextExample[]',
  },
};

/** Those of some files that are something else there. */
const own: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'src/generation/causal.ts': { model: loaded('AutoModelForCausalLM') },
  'src/generation/seq2seq.ts': { model: loaded('AutoModelForSeq2SeqLM') },
  'src/generation/streamer.ts': { model: loaded('AutoModelForSeq2SeqLM') },
  'src/generation/past.ts': { model: loaded('AutoModelForCausalLM'), past_key_values: 'heed.DynamicCache' },
  'src/train/classifier.ts': { model: loaded('AutoModelForSequenceClassification') },
  'src/ai/index.ts': { generateText: "typeof import('ai').generateText" },
  'src/host/shaping.ts': { x: 'heed.HostTensor' },
};

/** Files whose examples are for those who work on heed: the package does not export what they name. */
const internal = new Set(['src/engine/engine.ts', 'src/io/checkpoint.ts']);

const sources = execFileSync('git', ['ls-files', 'src'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path.endsWith('.ts'));

/** The code of a file's examples, in fences or bare up to the next tag. */
const examplesIn = (path: string): string[] =>
  [...readFileSync(root + path, 'utf8').matchAll(/\/\*\*(.*?)\*\//gs)]
    .flatMap(([, comment = '']) =>
      comment
        .replace(/^\s*\* ?/gm, '')
        .split('@example')
        .slice(1),
    )
    .map((example) =>
      (/```[jt]s\n(.*?)```/s.exec(example)?.[1] ?? example.split(/\n@\w/)[0] ?? '').replace(/, … }/g, ', ...more }').trim(),
    );

const exported = new Map(await Promise.all(entries.map(async (entry) => [entry, Object.keys(await import(entry))] as const)));

function programOf(path: string, code: string): string {
  const says = (name: string) => new RegExp(`(?<!(?<!\\.\\.)\\.|[\\w'])${name}\\b(?!:)`).test(code);
  const declares = (name: string) => new RegExp(`(const [^=]*|class )\\b${name}\\b`).test(code);
  const isLow = /^src\/(nn|ops|tensor)/.test(path);
  const found = new Set<string>();
  const imports = (isLow ? entries.toSorted((a, b) => Number(a === 'heed') - Number(b === 'heed')) : entries).map((entry) => {
    const names = (exported.get(entry) as string[]).filter((name) => says(name) && !declares(name) && !found.has(name));
    for (const name of names) found.add(name);
    return names.length ? `import { ${names.join(', ')} } from '${entry}';` : '';
  });
  const declared = Object.entries({ ...things, ...own[path] })
    .filter(([name]) => says(name) && !declares(name))
    .map(([name, type]) => `declare const ${name}: ${type};`);
  return [
    ...imports,
    "import type * as heed from 'heed';",
    "import type * as train from 'heed/train';",
    ...declared,
    code,
    'export {};',
  ].join('\n');
}

it('every example type-checks', () => {
  const programs = sources
    .filter((path) => !internal.has(path))
    .flatMap((path) => examplesIn(path).map((code, i) => [`${path.replace(/\.ts$/, '')}.${i}.ts`, programOf(path, code)]));
  expect(programs.length).toBeGreaterThan(50);
  expect(errorsOf(Object.fromEntries(programs))).toBe('');
});

it('an example with a name that is nowhere, or an option that there is not, does not', () => {
  const said = errorsOf({
    'one.ts': programOf('', 'nowhere(engine)'),
    'two.ts': programOf('', "await pipeline('feature-extraction', 'x', { dtypes: 'q8' })"),
  });
  expect(said.match(/^\w+\.ts/gm)).toEqual(['one.ts', 'two.ts']);
});
