/**
 * The decoders of JPEG and WebP files: libjpeg's and libwebp's own code, compiled to WebAssembly by the Squoosh project. They are fetched when the first such file is read. What
 * they write in other programs' places (ImageData, the console) is kept from them.
 */
import { HeedError } from '../errors.js';
import type { Codec } from '../runtime/types.js';
import { imageHome } from './home.js';
import { malformedImage } from './malformed.js';
import type { Pixels } from './resample.js';

/** An instance of a decoder. */
interface Decoder {
  /** Decodes to 4 channels; null for a file that it cannot read. Throws what is no Error, and is of no use afterwards. */
  decode(bytes: Uint8Array, ...options: readonly boolean[]): Pick<Pixels, 'data' | 'width' | 'height'> | null;
}

/** Function that makes an instance. */
type Factory = (options: {
  noInitialRun: boolean;
  locateFile(path: string): string;
  print(text: string): void;
  printErr(text: string): void;
  instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): object;
}) => Promise<Decoder>;

interface Glue {
  readonly default: unknown;
}

/** Decoders, with what they take beside the bytes: JPEG's turns pictures upright where it is told to. */
const codecs: Readonly<Record<Codec, { name: string; glue(): Promise<Glue>; options: readonly boolean[] }>> = {
  jpeg: { name: 'JPEG', glue: () => import('@jsquash/jpeg/codec/dec/mozjpeg_dec.js'), options: [true] },
  webp: { name: 'WebP', glue: () => import('@jsquash/webp/codec/dec/webp_dec.js'), options: [] },
};

/** Pixels above which an instance is not used again: its memory never shrinks. */
const LARGE = 1 << 22;

interface Ready {
  readonly decoder: Decoder;
  /** Last thing that the decoder wrote to the console. */
  said: string;
}

const instances = new Map<Codec, Promise<Ready>>();

/** What decoders make of pixels, where there is no ImageData. */
class PlainImageData {
  constructor(
    readonly data: Uint8ClampedArray,
    readonly width: number,
    readonly height: number,
  ) {}
}

const globals = globalThis as { ImageData?: unknown };

/** Calls `body` while there is an ImageData, which is not left behind where there was none. */
function withImageData<T>(body: () => T): T {
  const own = globals.ImageData;
  globals.ImageData = PlainImageData;
  try {
    return body();
  } finally {
    if (own) globals.ImageData = own;
    else delete globals.ImageData;
  }
}

async function instanceOf(codec: Codec): Promise<Ready> {
  const { runtime } = imageHome();
  const { name, glue } = codecs[codec];
  const [made, module] = await Promise.all([
    glue().catch((cause: unknown) => {
      throw new HeedError('UNSUPPORTED', `The decoder of ${name} files cannot be imported here`, {
        culprit: 'image',
        cure: 'Give a PNG file, or pixels',
        cause,
      });
    }),
    runtime.loadCodec(codec),
  ]);
  const ready = { said: '' };
  const say = (text: string) => {
    ready.said = text;
  };
  const coming = withImageData(() =>
    (made.default as Factory)({
      noInitialRun: true,
      locateFile: (path) => path,
      print: say,
      printErr: say,
      instantiateWasm(imports, done) {
        void WebAssembly.instantiate(module, imports).then((instance) => withImageData(() => done(instance)));
        return {};
      },
    }),
  );
  return Object.assign(ready, { decoder: await coming });
}

/** Decodes a file, to 4 channels, on a decoder of its own kind. Rejects with FORMAT, UNSUPPORTED, NOT_FOUND or NETWORK where the decoder is not there. */
export async function decodeWith(codec: Codec, bytes: Uint8Array): Promise<Pixels> {
  const coming = instances.get(codec) ?? instanceOf(codec);
  instances.set(codec, coming);
  const forget = () => {
    if (instances.get(codec) === coming) instances.delete(codec);
  };
  const ready = await coming.catch((error: unknown) => {
    forget();
    throw error;
  });
  ready.said = '';
  let decoded: ReturnType<Decoder['decode']>;
  try {
    decoded = withImageData(() => ready.decoder.decode(bytes, ...codecs[codec].options));
  } catch (cause) {
    forget();
    throw malformedImage(codecs[codec].name, ready.said || 'its decoder gave up', cause);
  }
  if (!decoded) throw malformedImage(codecs[codec].name, ready.said || 'it is damaged');
  const { data, width, height } = decoded;
  if (width * height > LARGE) forget();
  return { data, width, height, channels: 4 };
}

/** Leaves out opacity, where a file has none; the first of three equal colours, where it is grey. */
export function narrowed({ data, width, height }: Pixels, channels: 1 | 3): Pixels {
  const out = new Uint8ClampedArray(width * height * channels);
  for (let i = 0, o = 0; o < out.length; i += 4) for (let c = 0; c < channels; c++) out[o++] = data[i + c] as number;
  return { data: out, width, height, channels };
}
