/** `heed generate`: a language model continues a text, or, where it has a chat template, answers it; the output is printed as it comes. */
import { Command, Option } from 'commander';
import { HeedError } from '../errors.js';
import type { ResponseFormat } from '../generation/grammar/format.js';
import { nodeRuntime } from '../runtime/node.js';
import { readText } from './files.js';
import { hearing } from './hearing.js';
import { linesOfInput } from './lines.js';
import { deterministicOption, type EngineFlags, jsonOption, listOption, modelOption, threadsOption } from './options.js';
import { print } from './output.js';
import { type SamplingFlags, samplingOf, withSampling } from './sampling.js';
import { loadPipeline, withEngine } from './work.js';

interface GenerateFlags extends EngineFlags, SamplingFlags {
  model: string;
  jsonSchema?: string;
  regex?: string;
  choices?: string[];
  raw?: boolean;
  system?: string;
  json?: boolean;
  adapter?: string;
}

/** Flags that ask for a form, of which an answer has one. */
const forms = [
  new Option('--json-schema <file>', 'the answer is JSON that fits the schema in this file'),
  new Option('--regex <r>', 'the answer is what a regular expression fits as a whole'),
  listOption('--choices <list>', 'the answer is one of these texts, with commas between them'),
];
for (const form of forms) form.conflicts(forms.filter((other) => other !== form).map((other) => other.attributeName()));

export const generateCommand = withSampling(
  new Command('generate')
    .description('write on from a text, or answer it')
    .argument('[text]', 'the text; without one, all of standard input')
    .addOption(modelOption('a language model, or a GGUF file of one')),
  256,
)
  .addOption(forms[0] as Option)
  .addOption(forms[1] as Option)
  .addOption(forms[2] as Option)
  .option('--system <text>', 'what the model is told before, where it has a chat template')
  .option('--adapter <dir>', 'a LoRA adapter of the model, as PEFT writes it: folder, URL, or name on the hub')
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
  heed generate --temperature 0.7 --min-p 0.1 --seed 1 --model ./SmolLM2-135M < prompt.txt
  heed generate "Is the sea blue?" --choices yes,no --model ./SmolLM2-135M`,
  )
  .action(generate);

async function generate(given: string | undefined, flags: GenerateFlags): Promise<void> {
  const text = given ?? (await wholeInput());
  if (text === '')
    throw new HeedError('ARGUMENT', 'There is no text to go on from', { culprit: 'text', cure: 'Give one, or lines of standard input' });
  const { model: name, system, raw, json, adapter } = flags;
  const wishes = { ...samplingOf(flags), response_format: await formOf(flags) };
  await withEngine(flags, async (engine) => {
    const write = await loadPipeline(engine, 'text-generation', name);
    if (adapter !== undefined) await write.model.load_adapter(adapter);
    const { tokenizer } = write;
    const chats = tokenizer.chat_template !== undefined && !raw;
    if (system !== undefined && !chats)
      throw new HeedError('ARGUMENT', '--system would have no effect', {
        culprit: '--system',
        cure: 'The model has no chat template, or --raw passes over it',
      });
    const messages = [...(system === undefined ? [] : [{ role: 'system', content: system }]), { role: 'user', content: text }];
    const { streamer, told } = hearing(tokenizer, (piece) => void (json || process.stdout.write(piece)));
    await write(chats ? messages : text, { ...wishes, streamer });
    const { text: generated_text, ...counts } = told();
    await print(json ? `${JSON.stringify({ text, generated_text, ...counts })}\n` : '\n');
  });
}

/** The form that an answer is to have. */
async function formOf({ jsonSchema: file, regex, choices }: GenerateFlags): Promise<ResponseFormat | undefined> {
  if (regex !== undefined) return { type: 'regex', regex };
  if (choices) return { type: 'choice', choices };
  if (file === undefined) return undefined;
  try {
    return { type: 'json_schema', json_schema: { schema: JSON.parse(await readText(nodeRuntime, file)) as unknown } };
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new HeedError('FORMAT', `${file} is no JSON: ${cause.message}`, { culprit: file, cure: 'It must hold a JSON schema', cause });
  }
}

/** All of standard input, without the end of its last line. */
async function wholeInput(): Promise<string> {
  const lines: string[] = [];
  for await (const some of linesOfInput()) lines.push(...some);
  return lines.join('\n');
}
