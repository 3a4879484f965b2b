/**
 * `heed chat`: a conversation with a language model, on a terminal or, for scripts, from standard input. Ctrl-C stops an answer, whose text so far stays in the conversation,
 * and ends the command where there is no answer in progress.
 */
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import type { Engine } from '../engine/engine.js';
import { HeedError, kindOf } from '../errors.js';
import { Conversation, type Entry, entryOf, messagesIn } from './conversation.js';
import { failed } from './failures.js';
import { writeText } from './files.js';
import { linesOfInput } from './lines.js';
import { deterministicOption, type EngineFlags, jsonOption, modelOption, threadsOption } from './options.js';
import { print, tell, tellWritten } from './output.js';
import { type SamplingFlags, samplingOf, withSampling } from './sampling.js';
import { loadPipeline, withEngine } from './work.js';

interface ChatFlags extends EngineFlags, SamplingFlags {
  model?: string;
  system?: string;
  json?: boolean;
  contextShift?: boolean;
}

export const chatCommand = withSampling(
  new Command('chat')
    .description('talk with a language model')
    .addOption(modelOption('a language model with a chat template, or a GGUF file of one', 'text-generation'))
    .option('--system <text>', 'what the model is told before'),
  512,
)
  .option(
    '--context-shift',
    'where the conversation is longer than the model takes, leave out its oldest messages (default: an error says so)',
  )
  .addOption(jsonOption('each answer as a message with token counts, a line of JSON, and nothing else'))
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
On a terminal each line is a message. /help lists what else there is; Ctrl-C stops an answer, and ends the command where there is none.
From standard input come lines of text, messages in JSON, a line each, or a list of messages; each of the user that has no answer yet is answered.

Examples:
  heed chat --model ./SmolLM2-135M-Instruct.Q4_1.gguf
  heed chat --system "You are brief." --temperature 0.7 --model ./Qwen3-0.6B
  heed chat --json --model ./SmolLM2-135M-Instruct < messages.json`,
  )
  .action(chat);

/** Commands of lines that begin with a slash. */
const commands: Readonly<
  Record<string, { does: string; run(chat: Conversation, engine: Engine, argument: string): Promise<void> | void }>
> = {
  reset: { does: 'forget the conversation', run: (chat) => chat.reset() },
  save: {
    does: 'FILE: write the conversation, as a list of messages in JSON',
    async run({ messages }, { runtime }, file) {
      if (!file) throw new HeedError('ARGUMENT', '/save: no file is named', { culprit: '/save', cure: 'Give one: /save chat.json' });
      await writeText(runtime, file, `${JSON.stringify(messages, undefined, 2)}\n`);
      tellWritten(file);
    },
  },
  help: {
    does: 'list this',
    run: () => {
      for (const [name, { does }] of Object.entries(commands)) tell(`/${name} ${does}`);
    },
  },
  exit: { does: 'end, as the end of input (Ctrl-D) does', run: () => {} },
};

async function chat(flags: ChatFlags): Promise<void> {
  const sampling = samplingOf(flags);
  await withEngine(flags, async (engine) => {
    const write = await loadPipeline(engine, 'text-generation', flags.model);
    if (write.tokenizer.chat_template === undefined)
      throw new HeedError('ARGUMENT', 'This model has no chat template: it goes on from texts, and answers none', {
        culprit: '--model',
        cure: 'Take an -Instruct or -it model, or `heed generate`',
      });
    const talk = new Conversation(write, flags.system, { ...sampling, context_shift: flags.contextShift });
    const { isTTY } = process.stdin;
    let stop: AbortController | undefined;
    const interrupt = () => {
      if (!stop || stop.signal.aborted) process.exit(130);
      stop.abort();
    };
    process.removeAllListeners('SIGINT');
    process.on('SIGINT', interrupt);
    const answer = async () => {
      stop = new AbortController();
      try {
        const said = await talk.answer((piece) => void (flags.json || process.stdout.write(piece)), stop.signal);
        await print(flags.json ? `${JSON.stringify(said)}\n` : '\n');
      } finally {
        stop = undefined;
      }
    };
    for await (const entry of isTTY ? typed(interrupt) : piped()) {
      try {
        if ('messages' in entry) await say(talk, entry.messages, answer);
        else if (entry.command === 'exit') break;
        else await commandOf(entry.command).run(talk, engine, entry.argument);
      } catch (error) {
        // A user at a terminal can continue after an error; a script has failed.
        if (!isTTY) throw error;
        failed(error);
      }
    }
    if (!isTTY) expectAnswered(talk);
  });
}

/** Roles whose messages ask for no answer. */
const silent: readonly string[] = ['assistant', 'system', 'developer'];

/** Throws ARGUMENT where a script ends with a message that nobody has answered: its role is misspelt, as a rule. */
function expectAnswered({ messages }: Conversation): void {
  const role = messages.at(-1)?.role;
  if (role === undefined || silent.includes(role)) return;
  throw new HeedError('ARGUMENT', `The last message is of the role ${kindOf(role)}, which gets no answer`, {
    culprit: 'role',
    cure: 'Messages of user and tool are answered',
  });
}

/** Adds messages, and answers those of the user, or of tools, that have none. */
async function say({ messages }: Conversation, more: readonly { role: string }[], answer: () => Promise<void>): Promise<void> {
  for (const [i, message] of more.entries()) {
    messages.push(message);
    const next = more[i + 1]?.role;
    if ((message.role === 'user' || message.role === 'tool') && next !== 'assistant' && next !== 'tool') await answer();
  }
}

function commandOf(name: string) {
  const known = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (known) return known;
  throw new HeedError('ARGUMENT', `There is no /${name}`, {
    culprit: `/${name}`,
    cure: `There are ${Object.keys(commands)
      .map((one) => `/${one}`)
      .join(', ')}`,
  });
}

/** Lines that a user types at a prompt. */
async function* typed(interrupt: () => void): AsyncGenerator<Entry> {
  const output = process.stdout.isTTY ? process.stdout : process.stderr;
  const lines = createInterface({ input: process.stdin, output, prompt: '> ' });
  // A terminal that edits lines gets Ctrl-C as a key.
  lines.on('SIGINT', interrupt);
  // Ctrl-D closes it while an answer is written; a prompt would open the input again.
  let isOpen = true;
  lines.once('close', () => {
    isOpen = false;
  });
  tell('/help lists what there is beside messages; Ctrl-C stops an answer');
  try {
    lines.prompt();
    for await (const line of lines) {
      const entry = entryOf(line);
      if (entry) yield entry;
      if (isOpen) lines.prompt();
    }
  } finally {
    lines.close();
  }
}

/** Lines from a file or another program. */
async function* piped(): AsyncGenerator<Entry> {
  let number = 0;
  const list: string[] = [];
  for await (const some of linesOfInput({ eager: true }))
    for (const line of some) {
      number++;
      // A list of messages has all that there is.
      if (list.length || (number === 1 && line.trimStart().startsWith('['))) list.push(line);
      else if (line.trimStart().startsWith('{')) yield { messages: messagesIn(line, `line ${number} of standard input`) };
      else {
        const entry = entryOf(line);
        if (entry) yield entry;
      }
    }
  if (list.length) yield { messages: messagesIn(list.join('\n'), 'standard input') };
}
