/** The translator that heed brings along: what its package promises, and that `heed translate` finds it and says what it should. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AutoModelForSeq2SeqLM, AutoTokenizer, createEngine, type Engine, pipeline, type Translator } from '../../dist/entry/node.js';
import { bleu, chrf } from '../../dist/train/index.js';
import { loopIn } from '../../models/translator-en-zh/recipe/loops.mjs';
import { run } from '../cli/command.js';
import { itWith, shared } from '../shared.js';

const folder = fileURLToPath(new URL('../../models/translator-en-zh', import.meta.url));
const card = readFileSync(join(folder, 'README.md'), 'utf8');

describe('the package', () => {
  it('has at most 14 MB, and the files that it names', () => {
    const { files } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { files: string[] };
    // How it was made stands beside it, and is not in the package.
    const own = readdirSync(folder).filter((file) => file !== 'recipe');
    expect([...files, 'README.md', 'package.json'].sort()).toEqual(own.sort());
    const bytes = own.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    expect(bytes).toBeLessThanOrEqual(14e6);
  });

  it('names whose sentences it learned from, and under which licence', () => {
    for (const words of ['Tatoeba', 'CC BY 2.0 FR', 'manythings.org']) expect(card).toContain(words);
  });
});

describe('the model', () => {
  let engine: Engine;
  let translate: Translator;
  beforeAll(async () => {
    engine = await createEngine({ threads: 1, deterministic: true });
    translate = await pipeline('translation', folder, { engine });
  });
  afterAll(() => engine.dispose());

  const translated = async (texts: string[]) => (await translate(texts)).map(({ translation_text }) => translation_text);

  it.each([
    ['When did you begin studying English?', '你什么时候开始学英语？'],
    ['She likes to listen to music.', '她喜欢听音乐。'],
    ['我想去学校。', 'I want to go to school.'],
    ['我父亲在工厂工作。', 'My father works in the factory.'],
  ])('translates %s', async (source, translation) => {
    expect(await translated([source])).toEqual([translation]);
  });

  it('translates a paragraph sentence by sentence, each as if it stood alone', async () => {
    const sentences = ['She likes to listen to music.', 'When did you begin studying English?'];
    expect(await translated([sentences.join(' ')])).toEqual([(await translated(sentences)).join('')]);
  });

  it('goes on from what a text begins with, for one text as for two', async () => {
    const tokenizer = await AutoTokenizer.from_pretrained(folder);
    const model = await AutoModelForSeq2SeqLM.from_pretrained(folder, { engine });
    const source = [5, ...tokenizer.encode('我想去学校。')];
    const begin = tokenizer.encode('I', { add_special_tokens: false });
    const written = async (n: number) => {
      const rows = <T>(row: T) => Array.from({ length: n }, () => row);
      return (await model.generate({ input_ids: rows(source), decoder_input_ids: rows(begin) })).tolist() as number[][];
    };
    const [alone, together] = [await written(1), await written(2)];
    expect(together).toEqual([alone[0], alone[0]]);
    expect(tokenizer.decode(alone[0] as number[], { skip_special_tokens: true })).toBe('I want to go to school.');
    model.dispose();
  });

  it('refuses a text that is longer than it can take, and says how to have it cut', async () => {
    const long = 'x'.repeat(20_000);
    await expect(translate([long])).rejects.toMatchObject({ code: 'ARGUMENT', cure: expect.stringContaining('truncation: true') });
  });

  it('can be trained on: its weights are widened', async () => {
    const model = await AutoModelForSeq2SeqLM.from_pretrained(folder, { engine, trainable: true });
    expect([...model.module.namedParameters()].every(([, parameter]) => parameter.dtype === 'float32' && parameter.complete)).toBe(true);
    model.dispose();
  });

  it('says what a phrase book does, as well as when it was judged, and never the same word over and over', async () => {
    const rows = readFileSync(new URL('../fixtures/translators/everyday.tsv', import.meta.url), 'utf8')
      .trimEnd()
      .split('\n');
    const [english, chinese] = [0, 1].map((column) => rows.map((row) => row.split('\t')[column] as string)) as [string[], string[]];
    const found = await translated(english);
    expect(chrf(found, chinese).score).toBeGreaterThan(63);
    // Of these it knows half of the words, and made loops of them without its generation_config.json.
    const rare = [
      'She furnished the room with beautiful furniture.',
      'Should we use genetic engineering on people?',
      'Tom was embarrassed to have to ask for help.',
      'The ecological footprint of a country is closely related to its level of economic development.',
    ];
    for (const text of [...found, ...(await translated(rare))]) expect(loopIn(text), text).toBeUndefined();
  });

  itWith('data/tatoeba-eng-cmn')('has the scores on test.tsv that its card gives, for a hundred sentences about', async () => {
    const rows = readFileSync(shared('data/tatoeba-eng-cmn/test.tsv'), 'utf8').trimEnd().split('\n').slice(0, 100);
    const [english, chinese] = [0, 1].map((column) => rows.map((row) => row.split('\t')[column] as string)) as [string[], string[]];
    const ways = [
      [english, chinese, 'zh'],
      [chinese, english, '13a'],
    ] as const;
    for (const [sources, references, tokenize] of ways) {
      const found = await translated(sources);
      expect(bleu(found, references, { tokenize }).score).toBeGreaterThan(26);
      expect(chrf(found, references).score).toBeGreaterThan(26);
    }
  });
});

describe('heed translate', () => {
  it('finds it by itself', async () => {
    const { code, stdout, stderr } = await run(['translate', 'I love music.', '我想去学校。']);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^我.*音乐。\nI want to go to school\.\n$/);
  });
});
