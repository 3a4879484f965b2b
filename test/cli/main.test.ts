/** The command around its subcommands: help, version, exit codes, `heed info`, and how it ends when others end first. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { estimate } from '../../dist/entry/node.js';
import { tinyPath, tinyWeights } from '../models/files.js';
import { heed, heedIn, notice, run, sh } from './command.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const temporary = mkdtempSync(join(tmpdir(), 'heed-'));
afterAll(() => rmSync(temporary, { recursive: true }));

describe('help', () => {
  it.each([[['--help']], [['help']], [['-h']]])('lists the commands: heed %j', async (args) => {
    const { code, stdout, stderr } = await run(args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/embed[\s\S]*info/);
    expect(stdout).toMatch(/Exit codes: 0/);
  });

  it.each([[['embed', '--help']], [['help', 'embed']]])('of embed has all options and examples: heed %j', async (args) => {
    const { code, stdout } = await run(args);
    expect(code).toBe(0);
    for (const option of ['model', 'pooling', 'normalize', 'no-normalize', 'max-tokens', 'json', 'threads', 'deterministic'])
      expect(stdout).toContain(`--${option}`);
    expect(stdout.match(/^ {2}heed embed /gm)?.length).toBeGreaterThanOrEqual(3);
  });

  it('of info has examples', async () => {
    const { code, stdout } = await run(['info', '--help']);
    expect(code).toBe(0);
    expect(stdout.match(/^ {2}heed info/gm)?.length).toBeGreaterThanOrEqual(3);
  });

  it('is printed on standard error, with code 2, where no command is given', async () => {
    const { code, stdout, stderr } = await run([]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/Usage: heed/);
  });
});

describe('--version', () => {
  it("is the package's", async () => {
    expect(await run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('exit code 2, for a command line that cannot be read', () => {
  it.each([
    [['frobnicate']],
    [['--frobnicate']],
    [['attend', 'a']],
    [['embed', 'a', '--model']],
    [['embed', 'a', '--model', tinyPath, '--frobnicate']],
    [['embed', 'a', '--model', tinyPath, '--pooling', 'none']],
    [['embed', 'a', '--model', tinyPath, '--threads', '0']],
    [['embed', 'a', '--model', tinyPath, '--threads', '1.5']],
    [['embed', 'a', '--model', tinyPath, '--threads', '1e1']],
    [['embed', 'a', '--model', tinyPath, '--threads', '']],
    [['embed', 'a', '--model', tinyPath, '--max-tokens', '-5']],
    [['info', 'a', 'b']],
    [['info', tinyPath, '--batch', '0']],
    [['quantize', tinyPath]],
  ])('heed %j', async (args) => {
    const { code, stdout, stderr } = await run(args);
    expect([code, stdout]).toEqual([2, '']);
    // One line, and where to read on.
    expect(stderr).toMatch(/^error: .+\n\(add --help for examples\)\n$/);
  });
});

describe('exit code 1, for what failed', () => {
  it.each(['embed', 'info'])('heed %s of a model that is not there', async (command) => {
    const model = join(temporary, 'nowhere');
    const { code, stdout, stderr } = await run(command === 'info' ? [command, model] : [command, '--model', model]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^heed: .*nowhere.*\[NOT_FOUND\]\n$/);
  });

  it.each(['embed', 'classify', 'fill'])('heed %s where its own model is not here, and no hub: it is named', async (command) => {
    const { code, stdout, stderr } = await sh(`HF_HUB_OFFLINE=1 HF_HOME="${temporary}" ${heedIn} ${command} 'a [MASK]'`);
    expect([code, stdout]).toEqual([1, '']);
    const [, name] = /^heed: .* without a model is (\S+)\n/.exec(stderr) ?? [];
    expect(stderr).toMatch(/\n.*\[NOT_FOUND\]\n$/);
    expect((await run([command, '--help'])).stdout.replace(/\s+/g, '')).toContain(`(default:${name?.replace(/@.*/, '')})`);
  });

  it('a model that is broken', async () => {
    writeFileSync(join(temporary, 'config.json'), '{');
    const { code, stdout, stderr } = await run(['info', temporary]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^heed: .*config\.json.*\[FORMAT\]\n$/);
  });

  it.each([
    ['--threads', '65'],
    ['--max-tokens', '1'],
    ['--max-tokens', '65'],
  ])('an option that neither machine nor model can follow: %s %s', async (...option) => {
    const { code, stdout, stderr } = await run(['embed', 'a', '--model', tinyPath, ...option]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.replace(notice, '')).toMatch(/^heed: .+ \[ARGUMENT\]\n$/);
  });

  it('a standard input that is a folder', async () => {
    const { code, stderr } = await sh(`${heedIn} embed --model "${tinyPath}" < "${temporary}"`);
    expect([code, stderr.replace(notice, '')]).toEqual([1, 'heed: Standard input cannot be read: it is a folder [NOT_FOUND]\n']);
  });

  it('on one line, whatever the name at fault has in it', async () => {
    const { code, stderr } = await run(['embed', 'a', '--model', 'no\nwhere\u001b[31m']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^heed: no where \[31m.*\[NOT_FOUND\]\n$/);
  });

  it('without a stack trace, but for those who ask for it', async () => {
    const args = ['info', join(temporary, 'nowhere')];
    expect((await run(args)).stderr).not.toMatch(/^ +at /m);
    const { code, stderr } = await sh(`HEED_DEBUG=1 ${heedIn} info nowhere`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^heed: nowhere.*\n/);
    // The failure's, and its cause's.
    expect(stderr).toMatch(/^HeedError: .*\n +at [\s\S]*^Error: ENOENT.*\n +at /m);
  });

  it.each<[string, string]>([
    ['in its work', "String.prototype.padEnd = () => { throw new TypeError('a\\nb'); };"],
    ['in a callback', "process.stdout.write = () => setTimeout(() => { throw new TypeError('a\\nb'); });"],
    ['in a promise that nobody waits for', "process.stdout.write = () => { Promise.reject(new TypeError('a\\nb')); return true; };"],
  ])("a defect of heed's own, on one line that says so: %s", async (_, defect) => {
    const preload = join(temporary, 'defect.mjs');
    writeFileSync(preload, defect);
    const { code, stderr } = await run(['info'], '', [process.execPath, '--import', pathToFileURL(preload).href]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^heed: TypeError: a b\. This is a defect of heed: .*HEED_DEBUG=1.*\n$/);
  });

  // Only Linux has a device that is always full.
  it.skipIf(!existsSync('/dev/full'))('a standard output that takes nothing', async () => {
    const { code, stderr } = await sh(`${heedIn} info > /dev/full`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^heed: standard output: .*ENOSPC/);
  });
});

describe('heed info', () => {
  it('tells what the engine got', async () => {
    const { code, stdout, stderr } = await run(['info', '--threads', '1', '--deterministic']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^heed +${version}$`, 'm'));
    expect(stdout).toMatch(/^simd +simd$/m);
    expect(stdout).toMatch(/^threads +1$/m);
    // The command asks for vectors of 256 bits, which not every runtime has; nothing else is missing.
    expect(stdout).toMatch(/^wide +true$/m.test(stdout) ? /^wide/m : /^reason +[^;]*256 bits[^;]*$/m);
    expect(stdout).not.toMatch(/^reason.*(SIMD|worker)/m);
  });

  it('--json prints one object', async () => {
    const { code, stdout } = await run(['info', '--json', '--threads', '2']);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toHaveLength(2);
    expect(JSON.parse(stdout)).toMatchObject({ heed: version, threads: 2, shared: true, deterministic: false });
  });
});

describe('heed info MODEL', () => {
  const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/hf/${name}`, import.meta.url));

  it('tells what it is and what it takes, in lines', async () => {
    const { code, stdout, stderr } = await run(['info', tinyPath, '--tokens', '10', '--threads', '1']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^architecture +bert$/m);
    expect(stdout).toMatch(/^loaded by +AutoModel$/m);
    expect(stdout).toMatch(/^sizes +layers 2, hidden 32, heads 4, feedForward 40, vocabulary 97, positions 64, types 2$/m);
    expect(stdout).toMatch(/^tokenizer +WordPiece, 97 tokens$/m);
    expect(stdout).toMatch(/^parameters +20,304 in fp32$/m);
    expect(stdout).toMatch(/^files +85\.2 kB$/m);
    expect(stdout).toMatch(
      /^memory +1\.0 MB for 1 x 10 tokens: weights 81\.3 kB, activations .*; 1\.0 MB with dtype q8, 1\.0 MB with dtype q4$/m,
    );
  });

  it('knows a tokenizer by its vocab.txt, too', async () => {
    const folder = join(temporary, 'vocab');
    cpSync(tinyPath, folder, { recursive: true });
    rmSync(join(folder, 'tokenizer.json'));
    writeFileSync(join(folder, 'vocab.txt'), '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n');
    const { stdout } = await run(['info', folder, '--json', '--threads', '1']);
    expect(JSON.parse(stdout).tokenizer).toEqual({ model: 'WordPiece', vocabulary: 6 });
  });

  it('says of a GGUF file what becomes of its kinds of tensors', async () => {
    const file = fileURLToPath(new URL('../fixtures/gguf/llama_k.gguf', import.meta.url));
    const { code, stdout } = await run(['info', file, '--threads', '1']);
    expect(code).toBe(0);
    // A line each kind, and the tensors that are of it.
    const [, tensors = ''] = /^tensors( +[\s\S]*?)^\S/m.exec(stdout) ?? [];
    expect(tensors.trimEnd().split('\n')).toHaveLength(9);
    for (const one of [
      /^ {14}5 F32 kept: output_norm\.weight, blk\.\*\.attn_norm\.weight, blk\.\*\.ffn_norm\.weight$/m,
      /^ {14}5 Q4_K rounded in q4: blk\.\*\.attn_q\.weight, .*$/m,
      /^ {6,}2 Q6_K rounded in q8: token_embd\.weight, blk\.\*\.attn_v\.weight$/m,
      /^ {14}1 Q3_K exactly in q8: blk\.\*\.ffn_up\.weight$/m,
    ])
      expect(tensors).toMatch(one);
    const { kinds } = JSON.parse((await run(['info', file, '--json'])).stdout);
    expect(kinds).toContainEqual({ kind: 'IQ4_NL', tensors: 1, names: ['blk.*.attn_output.weight'], held: 'q8', exact: true });
  });

  it.each<[string, string[] | undefined]>([
    ['../causal/gemma3', ['1 of attention to 6 tokens: 0', '1 of attention to all tokens: 1']],
    ['../causal/lfm2', ['3 of short convolution: 0, 2-3', '1 of attention to all tokens: 1']],
    ['../gguf/models/lfm2.gguf', ['3 of short convolution: 0, 2-3', '1 of attention to all tokens: 1']],
    ['../causal/smollm3', ['3 of attention to all tokens: 0-2', '1 of attention to all tokens, without positions: 3']],
    ['../causal/mistral', ['2 of attention to 4 tokens: 0-1']],
    ['modernbert', ['2 of attention to all tokens: 0, 2', '1 of attention to 5 tokens: 1']],
    ['../causal/llama', undefined],
    ['bert', undefined],
  ])('has a line for each kind of layers of %s, where not all see every token', async (name, lines) => {
    const { code, stdout } = await run(['info', fixture(name), '--threads', '1']);
    expect(code).toBe(0);
    const [, layers] = /^layers( +[\s\S]*?)^\S/m.exec(stdout) ?? [];
    expect(layers?.trim().split(/\n +/)).toEqual(lines);
  });

  it('--json prints one object: the estimates of both dtypes', async () => {
    const { code, stdout } = await run(['info', tinyPath, '--json', '--batch', '2', '--tokens', '10', '--threads', '1']);
    expect(code).toBe(0);
    const facts = JSON.parse(stdout);
    const dims = { layers: 2, hidden: 32, heads: 4, feedForward: 40, vocabulary: 97, positions: 64 };
    const bytes = Object.values(tinyWeights()).reduce((sum, weight) => sum + weight.bytes.length, 0);
    expect(facts).toMatchObject({ model: tinyPath, architecture: 'bert', heads: [], dtype: 'fp32', parameters: bytes / 4, dims });
    const options = { batch: 2, tokens: 10, engine: { threads: 1 } };
    expect(facts.memory.fp32).toEqual(await estimate(tinyPath, options));
    expect(facts.memory.q8).toEqual(await estimate(tinyPath, { ...options, dtype: 'q8' }));
  });

  it.each([
    ['bert_classify', { architecture: 'bert', heads: ['SequenceClassification'], loader: 'AutoModelForSequenceClassification' }],
    ['bert_mlm', { architecture: 'bert', heads: ['MaskedLM'], loader: 'AutoModelForMaskedLM' }],
    ['marian', { architecture: 'marian', loader: 'AutoModelForSeq2SeqLM', dims: { layers: '2 + 2' } }],
    ['t5', { architecture: 't5', loader: 'AutoModelForSeq2SeqLM', dims: { hidden: 32 } }],
    ['m2m_100', { architecture: 'm2m_100', loader: 'AutoModelForSeq2SeqLM', dims: { feedForward: '40 + 48' } }],
    ['../causal/llama', { architecture: 'llama', heads: [], loader: 'AutoModelForCausalLM' }],
    ['../embedding_decoders/embed', { architecture: 'llama', heads: [], loader: 'AutoModel' }],
    [
      '../embedding_decoders/rerank',
      { heads: ['SequenceClassification'], loader: 'AutoModelForSequenceClassification', labels: ['LABEL_0'] },
    ],
    ['electra_mlm', { architecture: 'electra', heads: ['MaskedLM'], dims: { hidden: 32, embedding: 20 } }],
  ])('knows %s', async (name, expected) => {
    const { code, stdout } = await run(['info', fixture(name), '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject(expected);
  });
});

describe('the command', () => {
  it('ends quietly when whoever reads it stops early', async () => {
    const lines = join(temporary, 'lines.txt');
    writeFileSync(lines, 'a line\n'.repeat(3000));
    const { stdout, stderr } = await sh(`${heedIn} embed --json --model "${tinyPath}" < "${lines}" | head -n 1; echo "\${PIPESTATUS[0]}"`);
    const [vector, code] = stdout.split('\n');
    expect(JSON.parse(vector ?? '')).toHaveLength(32);
    expect([code, stderr]).toEqual(['0', notice]);
  });

  it('ends with 130 when it is interrupted', async () => {
    const child = spawn(process.execPath, [heed, 'embed', '--json', '--model', tinyPath]);
    const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve([code, signal])));
    await new Promise((resolve) => child.stderr.once('data', resolve)); // the notice: the model is there
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
  });

  it('ends by itself when its input does, and not before', async () => {
    const child = spawn(process.execPath, [heed, 'embed', '--json', '--model', tinyPath]);
    const ended = new Promise((resolve) => child.on('close', resolve));
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
    });
    await new Promise((resolve) => child.stderr.once('data', resolve));
    child.stdin.write('a late ');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(child.exitCode).toBeNull();
    child.stdin.end('line\nand another');
    expect(await ended).toBe(0);
    expect(out.split('\n')).toHaveLength(3);
  });
});
