/** Pictures and sound through pipelines in every runtime, in every form that it has for them, and in a page's worker as well: one picture has one answer. */
import type { ImageInput } from 'heed';
import { assert, type Check, type Checks, type Env, type Heed } from './check.js';
import { readBytes, readJson } from './fixtures.js';

const json = (value: object) => new TextEncoder().encode(JSON.stringify(value));
const single = { threads: 1, deterministic: true };

/** Reads fixtures. */
async function reading<T>({ createEngine }: Heed, read: (engine: Awaited<ReturnType<Heed['createEngine']>>) => Promise<T>): Promise<T> {
  const engine = await createEngine({ threads: 1 });
  try {
    return await read(engine);
  } finally {
    await engine.dispose();
  }
}

const fixture = (heed: Heed, env: Env, path: string) => reading(heed, (engine) => readBytes(engine, env.locate(`fixtures/${path}`)));

/** A tiny ViT with an image processor. */
const eyes = async (heed: Heed, env: Env) => ({
  'config.json': await fixture(heed, env, 'vision/vit_classify/config.json'),
  'model.safetensors': await fixture(heed, env, 'vision/vit_classify/model.safetensors'),
  'preprocessor_config.json': json({ image_processor_type: 'ViTImageProcessor', size: { height: 24, width: 24 } }),
});

/** A picture in the forms that a runtime has for it, all of the same pixels. */
async function formsOf(heed: Heed, env: Env, path: string): Promise<Record<string, ImageInput>> {
  const bytes = await fixture(heed, env, path);
  const image = await heed.RawImage.read(bytes);
  const { data, width, height } = image.clone().rgba();
  const forms: Record<string, ImageInput> = {
    ...{ address: env.locate(`fixtures/${path}`), bytes, buffer: Uint8Array.from(bytes).buffer, image },
    ...{ blob: new Blob([Uint8Array.from(bytes)]), pixels: { data, width, height } },
  };
  if (!env.page) return forms;
  const imageData = new ImageData(Uint8ClampedArray.from(data), width, height);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')?.putImageData(imageData, 0, 0);
  return { ...forms, imageData, canvas, bitmap: await createImageBitmap(imageData), file: new File([Uint8Array.from(bytes)], 'a.png') };
}

/** A WAV file of float32 samples, one channel. */
function wavOf(samples: Float32Array, rate: number): Uint8Array<ArrayBuffer> {
  const [size, header] = [4 * samples.length, new TextEncoder().encode('RIFF____WAVEfmt ____________________data____')];
  const bytes = new Uint8Array(header.length + size);
  bytes.set(header);
  const view = new DataView(bytes.buffer);
  // Sizes of the file, of its format, and of the samples; samples and bytes a second. Then floats, channels, bytes and bits of a sample.
  for (const [at, value] of Object.entries({ 4: 36 + size, 16: 16, 24: rate, 28: 4 * rate, 40: size }))
    view.setUint32(Number(at), value, true);
  for (const [at, value] of Object.entries({ 20: 3, 22: 1, 32: 4, 34: 32 })) view.setUint16(Number(at), value, true);
  for (const [i, sample] of samples.entries()) view.setFloat32(header.length + 4 * i, sample, true);
  return bytes;
}

/** Here, and in a page's worker. */
const everywhere =
  (check: (heed: Heed, env: Env, worker: boolean) => Promise<void>): Check =>
  async (heed, env) => {
    for (const worker of env.page ? [true, false] : [false]) await check(heed, env, worker);
  };

export const sensesChecks: Checks = {
  'a picture is classified alike in every form': everywhere(async (heed, env, worker) => {
    const classify = await heed.pipeline('image-classification', await eyes(heed, env), { worker, engine: single });
    const forms = await formsOf(heed, env, 'image/files/rgb.png');
    const wanted = JSON.stringify(await classify(forms.image as ImageInput));
    assert(/"score":0\.\d{4}/.test(wanted), wanted);
    for (const [form, image] of Object.entries(forms)) {
      const said = JSON.stringify(await classify(image));
      assert(said === wanted, `${form}${worker ? ' in a worker' : ''}: ${said}, not ${wanted}`);
    }
    const all = await classify(Object.values(await formsOf(heed, env, 'image/files/rgb.png')), { top_k: 1 });
    assert(new Set(all.map((one) => one[0]?.label)).size === 1, JSON.stringify(all));
    classify.dispose();
  }),

  'a sound is heard alike in every form': everywhere(async (heed, env, worker) => {
    const told = (await reading(heed, (engine) => readJson(engine, env.locate('fixtures/ctc/group/told.json')))) as {
      samples: number[];
      char: { text: string; chunks: unknown[] };
    };
    const samples = Float32Array.from(told.samples);
    const hear = await heed.pipeline('automatic-speech-recognition', env.locate('fixtures/ctc/group'), { worker, engine: single });
    const heard = await hear(samples, { return_timestamps: 'char' });
    assert(JSON.stringify(heard) === JSON.stringify(told.char), `${JSON.stringify(heard)}, not ${JSON.stringify(told.char)}`);
    const wav = wavOf(samples, 16_000);
    const forms: Record<string, Parameters<typeof hear>[0]> = {
      bytes: wav,
      blob: new Blob([wav]),
      array: { array: samples, sampling_rate: 16_000 },
    };
    if (env.page) {
      const buffer = new AudioBuffer({ length: samples.length, sampleRate: 16_000 });
      buffer.copyToChannel(samples, 0);
      Object.assign(forms, { buffer });
    }
    for (const [form, sound] of Object.entries(forms)) {
      const { text } = (await hear(sound)) as { text: string };
      assert(text === told.char.text, `${form}${worker ? ' in a worker' : ''}: ${text}, not ${told.char.text}`);
    }
    hear.dispose();
  }),

  'a classifier of pictures learns where its model lives': everywhere(async (heed, env, worker) => {
    const options = { worker, engine: single, trainable: true, id2label: ['dark', 'bright'], ignore_mismatched_sizes: true };
    const model = await heed.AutoModelForImageClassification.from_pretrained(await eyes(heed, env), options);
    const examples = Array.from({ length: 16 }, (_, i) => {
      const data = Uint8ClampedArray.from({ length: 27 * 27 * 3 }, (_, b) => ((b * (i + 3)) % 100) + 150 * (i % 2));
      return { image: new heed.RawImage(data, 27, 27, 3), label: i % 2 };
    });
    const losses: number[] = [];
    const settings = { epochs: 6, batchSize: 4, lr: 3e-3, validation: examples };
    const result = await model.fit(examples, { ...settings, onLog: ({ loss }) => losses.push(loss) });
    assert(result.step === 24 && losses.length === 6, JSON.stringify([result, losses]));
    assert(result.validation?.accuracy === 1, `${worker ? 'in a worker ' : ''}${JSON.stringify(result.validation)}`);
    const said = (await model.classify(examples.slice(0, 2).map(({ image }) => image))) as { label: string }[];
    assert(said.map(({ label }) => label).join() === 'dark,bright', JSON.stringify(said));
    model.dispose();
  }),
};
