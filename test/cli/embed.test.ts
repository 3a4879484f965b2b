/** `heed embed`: texts from arguments and from standard input, what its options do, and what it prints where. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../dist/engine/engine.js';
import { createEngine, pipeline } from '../../dist/entry/node.js';
import type { FeatureExtractionOptions, FeatureExtractor } from '../../dist/pipelines/feature_extraction.js';
import { tinyPath } from '../models/files.js';
import { heed, notice, run, sh, vectors } from './command.js';

let engine: Engine;
let extractor: FeatureExtractor;
const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
/** The tiny BERT in a folder that wishes for nothing and has no notice. */
const plain = join(temporary, 'plain');
beforeAll(async () => {
  engine = await createEngine({ threads: 1, deterministic: true });
  extractor = await pipeline('feature-extraction', tinyPath, { engine });
  cpSync(tinyPath, plain, { recursive: true });
  rmSync(join(plain, 'modules.json'));
  const { notice: _, ...config } = extractor.model.config;
  writeFileSync(join(plain, 'config.json'), JSON.stringify(config));
});
afterAll(async () => {
  rmSync(temporary, { recursive: true });
  await engine.dispose();
});

/** What the pipeline gives for the same texts. */
async function expected(texts: readonly string[], options: FeatureExtractionOptions = {}): Promise<number[][]> {
  const { data } = await extractor(texts, { pooling: 'mean', normalize: true, ...options });
  return texts.map((_, i) => Array.from(data.subarray((i * data.length) / texts.length, ((i + 1) * data.length) / texts.length)));
}

describe('texts', () => {
  it('come from the arguments, in their order, as they are', async () => {
    const texts = ['a cat', '', ' two  words ', '"quoted"', 'line\nbreak', '-5', '日本語 🙂'];
    expect(await vectors(['--', ...texts])).toEqual(await expected(texts));
  });

  it.each<[string, string, string[]]>([
    ['lines', 'a cat\na dog\n', ['a cat', 'a dog']],
    ['a last line without its end', 'a cat\na dog', ['a cat', 'a dog']],
    ['lines from Windows', 'a cat\r\na dog\r\n', ['a cat', 'a dog']],
    ['a last line from Windows without its end', 'a cat\r\na dog\r', ['a cat', 'a dog']],
    ['empty lines, which are empty texts', '\na\n\n', ['', 'a', '']],
    ['one empty line', '\n', ['']],
    ['nothing', '', []],
    ['separators that are none', 'a\u2028b\u2029c\u0085d\ve\ff\rg\n', ['a\u2028b\u2029c\u0085d\ve\ff\rg']],
    ['characters outside of the first plane', '🙂 日本\n', ['🙂 日本']],
  ])('come from standard input: %s', async (_, input, texts) => {
    expect(await vectors([], input)).toEqual(texts.length ? await expected(texts) : []);
  });

  it('that are not UTF-8 are embedded as what can be read of them', async () => {
    expect(await vectors([], Uint8Array.of(0x61, 0xff, 0x62, 0x0a))).toEqual(await expected(['a\ufffdb']));
  });

  it('may be 3000 lines, which come back in their order', async () => {
    const texts = Array.from({ length: 3000 }, (_, i) => 'word '.repeat(i % 17) + i);
    const got = await vectors([], `${texts.join('\n')}\n`);
    expect(got).toHaveLength(3000);
    const some = texts.flatMap((text, i) => (i % 97 === 0 ? [{ text, i }] : []));
    expect(some.map(({ i }) => got[i])).toEqual(await expected(some.map(({ text }) => text)));
  });
});

describe('standard output', () => {
  it('with --json has exactly one array per line; notices go to standard error', async () => {
    const { code, stdout, stderr } = await run(['embed', 'a', 'b', '--json', '--model', tinyPath]);
    expect(code).toBe(0);
    expect(stderr).toBe(notice);
    expect(stdout).toMatch(/^(\[-?[\d.e-]+(,-?[\d.e-]+){31}\]\n){2}$/);
  });

  it('shows texts, lengths, first components, and how near texts are to each other', async () => {
    const { stdout } = await run(['embed', 'a cat', 'a "kitten"', '--model', tinyPath]);
    const [first, second, empty, head, ...table] = stdout.split('\n');
    expect(first).toMatch(/^"a cat" +\[32\]( +-?\d\.\d{4}){6} …$/);
    expect(second).toMatch(/^"a \\"kitten\\"" +\[32\]/);
    expect([empty, head]).toEqual(['', 'cosine     1     2']);
    expect(table[0]).toMatch(/^ {3}1 {4}1\.00$/);
    expect(table[1]).toMatch(/^ {3}2 +-?\d\.\d\d {2}1\.00$/);
    expect(table.slice(2)).toEqual(['']);
  });

  it.each([{ flags: ['--json'] }, { flags: [] }])(
    'has a line for a line of standard input before the next one comes ($flags)',
    async ({ flags }) => {
      const child = spawn(process.execPath, [heed, 'embed', ...flags, '--model', tinyPath]);
      let out = '';
      const ended = new Promise((resolve) => child.on('close', resolve));
      child.stdout.setEncoding('utf8').on('data', (text) => {
        out += text;
      });
      // Each line waits for the one before it to be answered: a command that waited for more would never end.
      for (const [i, text] of ['a cat', 'a dog', 'sits'].entries()) {
        child.stdin.write(`${text}\n`);
        while (out.split('\n').length < i + 2) await new Promise((resolve) => child.stdout.once('data', resolve));
      }
      child.stdin.end();
      expect(await ended).toBe(0);
      if (flags.length) {
        const rows = out.trim().split('\n');
        const got = rows.map((row) => JSON.parse(row));
        for (const [i, row] of (await expected(['a cat', 'a dog', 'sits'])).entries())
          expect(Math.max(...row.map((x, c) => Math.abs(x - got[i][c])))).toBeLessThan(1e-5);
      } else expect(out).toContain('cosine     1     2     3');
    },
  );

  it('that is closed early ends a command whose input has no end', async () => {
    const { code, stdout } = await sh(
      `yes | "${process.execPath}" "${heed}" embed --json --model "${tinyPath}" | head -n 2; echo "\${PIPESTATUS[1]}"`,
    );
    expect([code, stdout.trim().split('\n').at(-1)]).toEqual([0, '0']);
  });

  it.each([1, 13, 300, 260])('compares nothing where there are %i texts', async (count) => {
    const { stdout } = await run(['embed', '--model', tinyPath], 'a\n'.repeat(count));
    expect(stdout.split('\n')).toHaveLength(count + 1);
    expect(stdout).not.toContain('cosine');
  });

  it('says nothing on standard error where the model has no notice', async () => {
    expect((await run(['embed', 'a', '--model', plain])).stderr).toBe('');
  });
});

describe('options', () => {
  it('--pooling and --no-normalize do what they say', async () => {
    const texts = ['a cat', 'sits'];
    expect(await vectors(['--pooling', 'cls', ...texts])).toEqual(await expected(texts, { pooling: 'cls' }));
    expect(await vectors(['--no-normalize', ...texts])).toEqual(await expected(texts, { normalize: false }));
    expect(await vectors(['--pooling', 'cls', '--no-normalize', ...texts])).toEqual(
      await expected(texts, { pooling: 'cls', normalize: false }),
    );
  });

  it('left out are what the folder wishes; where it wishes for nothing, the mean as it is', async () => {
    expect(await vectors(['a cat'])).toEqual(await expected(['a cat']));
    expect(await vectors(['a cat', '--model', plain])).toEqual(await expected(['a cat'], { normalize: false }));
    expect(await vectors(['a cat', '--model', plain, '--normalize'])).toEqual(await expected(['a cat']));
  });

  it('--prompt, --prompt-name and --truncate-dim do what they say, and the folder’s own measure compares', async () => {
    const own = join(temporary, 'own');
    cpSync(tinyPath, own, { recursive: true });
    const wishes = { prompts: { query: 'q: ' }, default_prompt_name: 'query', similarity_fn_name: 'euclidean', truncate_dim: 8 };
    writeFileSync(join(own, 'config_sentence_transformers.json'), JSON.stringify(wishes));
    const first = async (text: string) => (await expected([text])).map((row) => row.slice(0, 8));
    expect(await vectors(['a cat', '--model', own])).toEqual(await first('q: a cat'));
    expect(await vectors(['a cat', '--model', own, '--prompt-name', 'document'])).toEqual(await first('a cat'));
    expect(await vectors(['a cat', '--model', own, '--prompt', 'x '])).toEqual(await first('x a cat'));
    expect(await vectors(['a cat', '--prompt', 'x ', '--truncate-dim', '8'])).toEqual(await first('x a cat'));
    const { stdout } = await run(['embed', 'a', 'a', '--model', own]);
    expect(stdout).toMatch(/^euclidean +1 +2\n +1 +-?0\.00\n +2 +-?0\.00 +-?0\.00$/m);
    const { code, stderr } = await run(['embed', 'a', '--model', own, '--prompt-name', 'none']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/no prompt none.*query, document/)]);
  });

  it('--max-tokens cuts texts', async () => {
    expect(await vectors(['--max-tokens', '5', 'a b c d e f'])).toEqual(await expected(['a b c']));
  });

  it('--deterministic gives the same bytes alone and among others, with any number of threads', async () => {
    const texts = ['a cat', 'a kitten sits on the mat, and so on', '', 'x'];
    const [want] = await vectors(['a cat', '--threads', '1']);
    for (const threads of ['1', '2', '4']) {
      const arguments_ = ['--threads', threads];
      expect((await vectors([...arguments_, ...texts]))[0]).toEqual(want);
      expect((await vectors(arguments_, [...texts].reverse().join('\n'))).at(-1)).toEqual(want);
    }
  });
});
