/** `heed train pictures`: a classifier of pictures that lie in folders, which are named as their labels. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AutoModelForImageClassification } from '../entry/node.js';
import { HeedError } from '../errors.js';
import type { PretrainedDtype } from '../models/quantization.js';
import { defaultModelOf } from '../pipelines/tasks.js';
import { Random } from '../random.js';
import type { ImageExample } from '../train/index.js';
import type { EngineFlags } from './options.js';
import { print, tellWritten } from './output.js';
import { filesOf, withBar } from './progress.js';
import { withEngine } from './work.js';

export interface PicturesFlags extends EngineFlags {
  data: string;
  model?: string;
  out: string;
  epochs: number;
  batch: number;
  lr?: number;
  freeze?: boolean;
  heldBack: number;
  dtype: PretrainedDtype;
}

/** Names of files that heed reads as pictures. */
const PICTURES = /\.(png|jpe?g|webp|gif)$/i;

/** Pictures of a folder's folders, with the names of those, in alphabetical order. Throws ARGUMENT where there are not two with pictures. */
function examplesIn(data: string): { labels: string[]; examples: (ImageExample & { label: string })[] } {
  const wrong = (what: string) =>
    new HeedError('ARGUMENT', `${data} ${what}`, {
      culprit: '--data',
      cure: 'Give a folder of folders, one for each label, with pictures in them',
    });
  const foldersIn = () => {
    try {
      return readdirSync(data, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
    } catch {
      throw wrong('is no folder that can be read');
    }
  };
  const filesIn = (label: string) => readdirSync(join(data, label)).filter((name) => PICTURES.test(name));
  const found = foldersIn()
    .sort()
    .map((label) => ({ label, files: filesIn(label).sort() }))
    .filter(({ files }) => files.length > 0);
  if (found.length < 2) throw wrong(`has pictures in ${found.length} folders`);
  const examples = found.flatMap(({ label, files }) => files.map((name) => ({ image: join(data, label, name), label })));
  return { labels: found.map(({ label }) => label), examples };
}

/** Shuffles examples so that any beginning of the list has its share of every label. */
export function shuffleEvenly(examples: { label: string }[]): void {
  new Random(0).shuffle(examples);
  const sizes = new Map<string, number>();
  const ranks = new Map<object, number>();
  for (const example of examples) {
    const rank = sizes.get(example.label) ?? 0;
    ranks.set(example, rank);
    sizes.set(example.label, rank + 1);
  }
  const place = (example: { label: string }) => ((ranks.get(example) ?? 0) + 0.5) / (sizes.get(example.label) ?? 1);
  examples.sort((a, b) => place(a) - place(b));
}

/** Whether a file stands where a folder is to be: what was learned would be lost. */
function cannotBeFolder(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR';
  }
}

export async function train({ data, model, out, epochs, batch, freeze = false, heldBack, dtype, ...flags }: PicturesFlags): Promise<void> {
  if (cannotBeFolder(out))
    throw new HeedError('STORAGE', `${out} is a file, or below one`, { culprit: '--out', cure: 'Name a folder, which may be new' });
  const { labels, examples } = examplesIn(data);
  shuffleEvenly(examples);
  const count = Math.floor(heldBack * examples.length);
  const [validation, training] = [examples.slice(0, count), examples.slice(count)];
  const { lr = freeze ? 1e-3 : 5e-5 } = flags;
  await withEngine(flags, async (engine) => {
    const options = { engine, trainable: true, id2label: labels, ignore_mismatched_sizes: true };
    const learner = await withBar('loading', (update) =>
      AutoModelForImageClassification.from_pretrained(model ?? defaultModelOf('image-feature-extraction'), {
        ...options,
        progress_callback: filesOf(update),
      }),
    );
    const result = await withBar('learning', (update) =>
      learner.fit(training, {
        ...{ epochs, batchSize: batch, lr, freeze, validation: count ? validation : undefined },
        onProgress: ({ step, steps, loss }) => update(step, steps, `loss ${loss.toFixed(3)} | `),
      }),
    );
    await learner.save_pretrained(out, { dtype });
    tellWritten(out);
    const { accuracy } = result.validation ?? {};
    const told = accuracy === undefined ? '' : `: ${(100 * accuracy).toFixed(1)} % of ${count} held-back pictures right`;
    await print(`${training.length} pictures, ${labels.length} labels, ${result.step} steps${told}\n`);
  });
}
