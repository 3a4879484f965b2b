/** `heed generate`: a language model goes on from a text, or, where it has a chat template, answers it; what it writes is printed as it comes. */
import { Command } from 'commander';
import { pipeline, TextStreamer } from '../entry/node.js';
import { HeedError } from '../errors.js';
import { linesOfInput } from './lines.js';
import { deterministicOption, type EngineFlags, jsonOption, modelOption, numberIn, threadsOption, wholeNumber } from './options.js';
import { print } from './output.js';
import { filesOf, withBar } from './progress.js';
import { withEngine } from './work.js';

interface GenerateFlags extends EngineFlags {
  model: string;
  maxNewTokens: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  seed?: number;
  raw?: boolean;
  system?: string;
  json?: boolean;
  adapter?: string;
}

const positive = (text: string) => numberIn(text, (value) => (value > 0 ? undefined : 'It must be a number above 0.'));
const share = (text: string) => numberIn(text, (value) => (value > 0 && value <= 1 ? undefined : 'It must be above 0, and at most 1.'));
const seedOf = (text: string) => numberIn(text, (value) => (Number.isSafeInteger(value) ? undefined : 'It must be a whole number.'));

export const generateCommand = new Command('generate')
  .description('write on from a text, or answer it')
  .argument('[text]', 'the text; without one, all of standard input')
  .addOption(modelOption('a language model, or a GGUF file of one'))
  .option('--max-new-tokens <n>', 'tokens to write at most', wholeNumber, 256)
  .option('--temperature <t>', 'draw, from scores divided by it; without this, --top-p or --top-k the likeliest token is taken', positive)
  .option('--top-p <p>', 'draw among the likeliest tokens, which together have this probability', share)
  .option('--top-k <n>', 'draw among so many likeliest tokens', wholeNumber)
  .option('--seed <n>', 'decides on what is drawn (default: another one each time)', seedOf)
  .option('--system <text>', 'what the model is told before, where it has a chat template')
  .option('--adapter <dir>', 'a LoRA adapter of the model: the folder or URL of what PEFT writes')
  .option('--raw', 'go on from the text as it stands, though the model has a chat template')
  .addOption(jsonOption('one object with text, the written text and token counts, and nothing else'))
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Examples:
  heed generate "Write one sentence about the sea." --model ./SmolLM2-135M-Instruct.Q4_1.gguf
  heed generate "The capital of France is" --raw --max-new-tokens 20 --model ./SmolLM2-135M
  heed generate --temperature 0.7 --top-p 0.9 --seed 1 --model ./SmolLM2-135M < prompt.txt`,
  )
  .action(generate);

async function generate(given: string | undefined, flags: GenerateFlags): Promise<void> {
  const text = given ?? (await wholeInput());
  if (text === '')
    throw new HeedError('ARGUMENT', 'There is no text to go on from', { culprit: 'text', cure: 'Give one, or lines of standard input' });
  const { model: name, maxNewTokens: max_new_tokens, temperature, topP: top_p, topK: top_k, seed, system, raw, json, adapter } = flags;
  const draws = temperature !== undefined || top_p !== undefined || top_k !== undefined;
  if (seed !== undefined && !draws)
    throw new HeedError('ARGUMENT', '--seed would have no effect', { culprit: '--seed', cure: 'Give --temperature, --top-p or --top-k' });
  await withEngine(flags, async (engine) => {
    const write = await withBar('loading', (update) => pipeline('text-generation', name, { engine, progress_callback: filesOf(update) }));
    if (adapter !== undefined) await write.model.load_adapter(adapter);
    const { tokenizer } = write;
    const chats = tokenizer.chat_template !== undefined && !raw;
    if (system !== undefined && !chats)
      throw new HeedError('ARGUMENT', '--system would have no effect', {
        culprit: '--system',
        cure: 'The model has no chat template, or --raw passes over it',
      });
    const messages = [...(system === undefined ? [] : [{ role: 'system', content: system }]), { role: 'user', content: text }];
    const sampling = draws ? { do_sample: true, temperature, top_p, top_k, seed } : { do_sample: false };
    let generated_text = '';
    const words = new TextStreamer(tokenizer, {
      skip_prompt: true,
      callback_function: (piece) => {
        generated_text += piece;
        if (!json) process.stdout.write(piece);
      },
    });
    // Tokens of the prompt, which come first, and behind it.
    const counts: number[] = [];
    const streamer = {
      put(rows: number[][]) {
        counts.push(rows[0]?.length ?? 0);
        words.put(rows);
      },
      end: () => words.end(),
    };
    await write(chats ? messages : text, { max_new_tokens, streamer, ...sampling });
    await print(json ? `${JSON.stringify({ text, generated_text, prompt_tokens: counts[0], new_tokens: counts.length - 1 })}\n` : '\n');
  });
}

/** All of standard input, but for the end of its last line. */
async function wholeInput(): Promise<string> {
  const lines: string[] = [];
  for await (const some of linesOfInput()) lines.push(...some);
  return lines.join('\n');
}
