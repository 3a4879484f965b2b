/** `heed ask`: the answer to a question in a passage, which may be longer than the model's input, and the answer's place in it. */
import { Command } from 'commander';
import type { Answer } from '../pipelines/question_answering.js';
import { deterministicOption, type EngineFlags, jsonOption, modelOption, threadsOption, topKOption, wholeNumber } from './options.js';
import { print } from './output.js';
import { around, type Passage, passageOf, placeOf } from './passage.js';
import { withBar } from './progress.js';
import { bold, columns, percent, shorten } from './terminal.js';
import { withPipeline } from './work.js';

interface AskFlags extends EngineFlags {
  model?: string;
  context: string;
  topK: number;
  maxAnswer?: number;
  unanswerable?: boolean;
  json?: boolean;
}

export const askCommand = new Command('ask')
  .description('answer a question out of a passage')
  .argument('<question>', 'the question')
  .option('--context <passage>', 'what to read: the name of a file, a URL, or the passage itself', '-')
  .addOption(modelOption('a model with a head for question answering', 'question-answering'))
  .addOption(topKOption('answers, the likeliest first', 1))
  .option('--max-answer <n>', 'tokens of the longest answer (default: 15)', wholeNumber)
  .option('--unanswerable', 'the passage may have no answer; for models that learned to say so (SQuAD 2.0)')
  .addOption(jsonOption('an object with question and answers, whose places count UTF-16 code units, and nothing else'))
  .addOption(threadsOption())
  .addOption(deterministicOption())
  .addHelpText(
    'after',
    `
Without --context the passage is standard input.

Examples:
  heed ask "Who wrote it?" --context "Emma is a novel by Jane Austen."
  heed ask "When was the treaty signed?" --context history.txt --top-k 3
  pdftotext manual.pdf - | heed ask "How is it reset?" --json`,
  )
  .action(ask);

function ask(question: string, flags: AskFlags): Promise<void> {
  const { context, json, topK: top_k, maxAnswer: max_answer_len, unanswerable: handle_impossible_answer } = flags;
  return withPipeline('question-answering', flags, async (answerer, engine) => {
    const passage = await passageOf(engine.runtime, context);
    const options = { top_k, max_answer_len, handle_impossible_answer };
    const found = await withBar('reading', (onProgress) => answerer(question, passage.text, { ...options, onProgress }));
    const answers: Answer[] = [found].flat(); // with a top_k of 1 it is one, not a list
    await print(json ? `${JSON.stringify({ question, answers })}\n` : answers.map((answer) => shown(answer, passage)).join('\n'));
  });
}

/** The answer, where it stands, and what stands around it. */
function shown({ answer, score, start, end }: Answer, passage: Passage): string {
  if (start === end) return `${percent(score)}  ${bold('no answer')}\n`;
  const name = bold(shorten(answer, columns() - 10));
  return `${percent(score)}  ${name}\n${around(passage.text, start, end)}\n  ${placeOf(passage, start, end)}\n`;
}
