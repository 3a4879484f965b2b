/** What a URL carries beside its path, tokens and passwords, is in no message: messages end up in logs. */
import { expect, it } from 'vitest';
import { HeedError } from '../../dist/errors.js';
import { shown } from '../../dist/io/location.js';
import { EncoderModel } from '../../dist/models/model.js';
import { FeatureExtractionPipeline } from '../../dist/pipelines/feature_extraction.js';
import { joinUrl, openUrl } from '../../dist/runtime/fetch.js';
import { failureOf, memoryRuntime } from '../io/memory.js';
import { engineOver, type Files, tinyFiles } from '../models/files.js';

const folder = 'https://user:s3cret@models.example/tiny?token=s3cret#s3cret';

/** The tiny model's files under the URL, with these in the place of some. */
async function failure(files: Files) {
  const engine = await engineOver({});
  const all = Object.entries({ ...tinyFiles(), ...files }).map(([name, content]) => [joinUrl(folder, name.slice(2)), content]);
  Object.assign(engine.runtime, { open: memoryRuntime(Object.fromEntries(all)).runtime.open, join: joinUrl });
  const error = await failureOf(() => FeatureExtractionPipeline.load(engine, folder));
  expect(engine.memory().storages).toBe(0);
  await engine.dispose();
  return error;
}

it.each<[string, Files]>([
  ['config.json is no JSON', { 'm/config.json': '{' }],
  ['config.json asks for what there is not', { 'm/config.json': '{"model_type":"nope"}' }],
  ['config.json is of other weights', tinyFiles({ vocab_size: 98 })],
  ['config.json has too many layers', tinyFiles({ num_hidden_layers: 1000 })],
  ['a checkpoint is none', { 'm/model.safetensors': 'nothing of the kind' }],
  ['a checkpoint is cut short', { 'm/model.safetensors': (tinyFiles()['m/model.safetensors'] as Uint8Array).subarray(0, 9000) }],
  ['a tokenizer is none', { 'm/tokenizer.json': '[]' }],
  ['a tokenizer has a part that there is not', { 'm/tokenizer.json': '{"model":{"type":"nope"}}' }],
  ['modules.json asks for what there is not', { 'm/modules.json': '[{"type":"a.Dense"}]' }],
  ['sentence_bert_config.json is no JSON', { 'm/sentence_bert_config.json': '{' }],
])('where %s', async (_, files) => {
  const { message, culprit, cure } = await failure(files);
  expect(message).not.toContain('s3cret');
  expect(culprit).not.toContain('s3cret');
  expect(cure ?? '').not.toContain('s3cret');
});

it.each(['http://127.0.0.1:1/m?token=s3cret', 'http://user:s3cret@127.0.0.1/m', 'http://[?token=s3cret'])(
  'where a download fails: %s',
  async (url) => {
    for (const run of [(): unknown => openUrl(url), (): unknown => joinUrl(url, 'x?y')]) {
      const error = await Promise.resolve()
        .then(run)
        .catch((thrown) => thrown);
      if (error instanceof HeedError) expect(`${error.message} ${error.culprit}`).not.toContain('s3cret');
      else expect(typeof error).toBe('string'); // what joinUrl gave
    }
  },
);

it('where there are no weights, by whatever name', async () => {
  const { 'm/model.safetensors': _, ...files } = tinyFiles();
  const engine = await engineOver(
    Object.fromEntries(Object.entries(files).map(([name, content]) => [joinUrl(folder, name.slice(2)), content])),
  );
  Object.assign(engine.runtime, { join: joinUrl });
  const { code, message, culprit } = await failureOf(() => EncoderModel.load(engine, folder));
  expect([code, message.includes('s3cret'), culprit]).toEqual(['NOT_FOUND', false, 'https://models.example/tiny']);
  await engine.dispose();
});

it.each([
  ['https://h/a/b.json?x=1#y', 'https://h/a/b.json'],
  ['http://u:p@h:80/a', 'http://h:80/a'],
  ['https://h', 'https://h'],
  ['file:///a/b?c', 'file:///a/b'],
  ['/a folder/b?c#d@e', '/a folder/b?c#d@e'],
  ['C:\\models\\m', 'C:\\models\\m'],
  ['./m', './m'],
])('%s is shown as %s', (location, text) => {
  expect(shown(location)).toBe(text);
});
