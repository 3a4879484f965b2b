/** What a model attends to in a text, a translation or a picture, bounded in size; and, of a language model, what may come next. */
import { RawImage } from '../image/raw_image.js';
import { exp, log } from '../math.js';
import { attend } from '../pipelines/look.js';
import type { HostTensor } from '../tensor.js';
import { ApiError } from './errors.js';
import type { Held } from './models.js';

/** Weights of an answer at most: 32 MiB of float32, of 12 layers of 12 heads for 241 tokens. */
const MOST_WEIGHTS = 2 ** 23;
/** Tokens of a translation at most. */
const MOST_WRITTEN = 128;
/** Pixels of a picture at most. */
const MOST_PIXELS = 2 ** 24;

/** What is wished of an answer. */
export interface Wish {
  readonly input?: string | undefined;
  readonly image?: Uint8Array | undefined;
  readonly src_lang?: string | undefined;
  readonly tgt_lang?: string | undefined;
  /** Tokens that may come next, the most probable first. */
  readonly top_k: number;
  /** Temperatures for whose probabilities the sum is told. */
  readonly temperatures: readonly number[];
  readonly signal: AbortSignal;
}

/** Weights of one kind: [L, H, T, S], T queries by S keys. */
export interface Group {
  readonly name: 'Encoder' | 'Decoder' | 'Cross';
  readonly queries: 'source' | 'target';
  readonly keys: 'source' | 'target';
  /** One tensor [1, H, T, S] for each layer. */
  readonly layers: readonly HostTensor[];
}

/** A picture as a model reads it, and its patches. */
export interface Sight {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue of each pixel. */
  readonly pixels: Uint8Array;
  readonly rows: number;
  readonly columns: number;
  /** Tokens before those of the patches. */
  readonly first: number;
}

/** Tokens that may come next. */
export interface Next {
  /** With their logits, the highest first. */
  readonly tokens: readonly { id: number; token: string; text: string; logit: number }[];
  /** For each temperature t, log(sum(exp(logit / t))) over the whole vocabulary: a token's probability is exp(logit / t - sum). */
  readonly log_sums: readonly number[];
}

/** An answer. */
export interface Seen {
  readonly source: readonly string[];
  readonly target?: readonly string[];
  readonly groups: readonly Group[];
  readonly next?: Next;
  readonly translation?: string;
  readonly picture?: Sight;
}

/** Tasks whose models tell what they attend to. */
export const attendingTasks = [
  'text-generation',
  'feature-extraction',
  'text-classification',
  'translation',
  'image-classification',
  'image-feature-extraction',
] as const;
type AttendingTask = (typeof attendingTasks)[number];
type Pipe<Task extends AttendingTask> = Held<Task>['pipe'];

/** Refuses what would have too many weights. */
function expectFew(layers: number, heads: number, tokens: number): void {
  if (layers * heads * tokens ** 2 <= MOST_WEIGHTS) return;
  const most = Math.floor(Math.sqrt(MOST_WEIGHTS / (layers * heads)));
  throw new ApiError(400, `The input has ${tokens} tokens, and attention of this model is told for ${most} at most`, {
    param: 'input',
    code: 'context_length_exceeded',
  });
}

function expectText({ input, image }: Wish): string {
  if (input !== undefined && image === undefined) return input;
  throw new ApiError(400, 'This model reads texts: give input', { param: input === undefined ? 'input' : 'image', code: 'invalid_value' });
}

interface Names {
  id_to_token(id: number): string | undefined;
}
const namesOf = (tokenizer: Names, ids: readonly number[]) => ids.map((id) => tokenizer.id_to_token(id) ?? '');

async function ofEncoder({ model, tokenizer }: Pipe<'feature-extraction' | 'text-classification'>, wish: Wish): Promise<Seen> {
  const ids = Array.from(tokenizer.encode(expectText(wish)));
  expectFew(model.encoder.dims.L, model.encoder.dims.H, ids.length);
  const { attentions } = await model({ input_ids: [ids] }, { output_attentions: true, signal: wish.signal });
  return { source: namesOf(tokenizer, ids), groups: [{ name: 'Encoder', queries: 'source', keys: 'source', layers: attentions }] };
}

async function ofDecoder({ model, tokenizer }: Pipe<'text-generation'>, wish: Wish): Promise<Seen> {
  const ids = Array.from(tokenizer.encode(expectText(wish)));
  expectFew(model.module.dims.L, model.module.dims.H, ids.length);
  const { logits, attentions = [] } = await model({ input_ids: [ids] }, { output_attentions: true, signal: wish.signal });
  const V = logits.dims[2] as number;
  const row = (logits.data as Float32Array).subarray((ids.length - 1) * V, ids.length * V);
  const order = Int32Array.from(row, (_, id) => id).sort((a, b) => (row[b] as number) - (row[a] as number) || a - b);
  // Some tokenizers leave out the space at the beginning of a text, which a token that goes on from one has.
  const last = ids.slice(-1);
  const before = tokenizer.decode(last);
  const textOf = (id: number) => {
    const both = tokenizer.decode([...last, id]);
    return both.startsWith(before) ? both.slice(before.length) : tokenizer.decode([id]);
  };
  const tokens = Array.from(order.subarray(0, wish.top_k), (id) => ({
    id,
    token: tokenizer.id_to_token(id) ?? '',
    text: textOf(id),
    logit: row[id] as number,
  }));
  const most = row[order[0] as number] as number;
  const sumAt = (t: number) => most / t + log(row.reduce((sum, logit) => sum + exp((logit - most) / t), 0));
  return {
    source: namesOf(tokenizer, ids),
    groups: [{ name: 'Decoder', queries: 'source', keys: 'source', layers: attentions }],
    next: { tokens, log_sums: wish.temperatures.map(sumAt) },
  };
}

async function ofTranslator(pipe: Pipe<'translation'>, wish: Wish): Promise<Seen> {
  const input = expectText(wish);
  const { encoder, decoder, positions } = pipe.model.module.dims;
  // The first token stands there before any is written.
  const most = Math.min(MOST_WRITTEN, positions - 1);
  const [L, H] = [Math.max(encoder.L, 2 * decoder.L), Math.max(encoder.H, decoder.H)];
  expectFew(L, H, Math.max(most, pipe.tokenizer.encode(input).length));
  const options = { from: wish.src_lang, to: wish.tgt_lang, beams: undefined, most, signal: wish.signal };
  const { translation, attended } = await attend(pipe, input, options);
  const { source, target, attentions } = attended;
  return {
    ...{ source, target, translation },
    groups: [
      { name: 'Encoder', queries: 'source', keys: 'source', layers: attentions.encoder },
      { name: 'Cross', queries: 'target', keys: 'source', layers: attentions.cross },
      { name: 'Decoder', queries: 'target', keys: 'target', layers: attentions.decoder },
    ],
  };
}

async function ofPicture({ model, processor }: Pipe<'image-classification' | 'image-feature-extraction'>, wish: Wish): Promise<Seen> {
  if (wish.image === undefined || wish.input !== undefined)
    throw new ApiError(400, 'This model reads pictures: give image', { param: wish.image ? 'input' : 'image', code: 'invalid_value' });
  const image = await RawImage.read(wish.image, { maxPixels: MOST_PIXELS, signal: wish.signal });
  const { pixel_values } = processor.run(model.engine, [image]);
  const [, , H, W] = pixel_values.dims as [number, number, number, number];
  const { dims } = model.encoder as unknown as { dims: { L: number; H: number; patch?: number } };
  const [rows, columns] = [H, W].map((side) => Math.floor(side / (dims.patch ?? side))) as [number, number];
  expectFew(dims.L, dims.H, rows * columns + 1);
  const { attentions } = (await model({ pixel_values }, { output_attentions: true, signal: wish.signal })) as {
    attentions: readonly HostTensor[];
  };
  const first = (attentions[0]?.dims[3] ?? 0) - rows * columns;
  if (first < 0)
    throw new ApiError(400, 'This model’s tokens are no patches of a picture', { param: 'model', code: 'model_not_supported' });
  const places = Array.from({ length: rows * columns }, (_, i) => `${Math.floor(i / columns) + 1}, ${(i % columns) + 1}`);
  // The class token comes first, then registers.
  const extra = Array.from({ length: first }, (_, i) => (i === 0 ? '[CLS]' : `[REG ${i}]`));
  return {
    source: [...extra, ...places],
    groups: [{ name: 'Encoder', queries: 'source', keys: 'source', layers: attentions }],
    picture: { width: W, height: H, pixels: pixelsOf(pixel_values), rows, columns, first },
  };

  /** The picture that numbers [1, 3, H, W] stand for: what black and white become tells how to go back. */
  function pixelsOf({ data }: HostTensor): Uint8Array {
    const size = Math.max(H, W);
    const ends = [0, 255].map((value) => new RawImage(new Uint8Array(size * size * 3).fill(value), size, size, 3));
    const [black, white] = ends.map((end) => processor.run(model.engine, [end]).pixel_values);
    const n = H * W;
    const out = new Uint8ClampedArray(3 * n);
    for (let c = 0; c < 3; c++) {
      const middle = ((black?.dims[2] ?? 0) >> 1) * (black?.dims[3] ?? 0) + ((black?.dims[3] ?? 0) >> 1);
      const at = (end: HostTensor | undefined) => Number(end?.data[(c * end.data.length) / 3 + middle] ?? 0);
      const [low, high] = [at(black), at(white)];
      for (let i = 0; i < n; i++) out[3 * i + c] = ((Number(data[c * n + i]) - low) / (high - low)) * 255;
    }
    return new Uint8Array(out.buffer);
  }
}

const readers: { readonly [Task in AttendingTask]: (pipe: Pipe<Task>, wish: Wish) => Promise<Seen> } = {
  'text-generation': ofDecoder,
  'feature-extraction': ofEncoder,
  'text-classification': ofEncoder,
  translation: ofTranslator,
  'image-classification': ofPicture,
  'image-feature-extraction': ofPicture,
};

/** What a model attends to. */
export const seenBy = ({ entry, pipe }: Held<AttendingTask>, wish: Wish): Promise<Seen> => readers[entry.task](pipe as never, wish);
