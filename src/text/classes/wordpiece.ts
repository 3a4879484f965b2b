/** Tokenizer classes whose model is WordPiece, apart from BERT's own and MPNet's. */

import type { TokenizerClass } from './class.js';
import { bert, wordPiece } from './encoders.js';

const unnamed = { models: undefined, aliases: undefined };

/** DPR's class, which ignores do_lower_case. */
const dpr = (): TokenizerClass => ({ ...bert, ...unnamed, parts: (options) => wordPiece(options, { lowercase: true }) });

export const wordPieceClasses = (): Readonly<Record<string, TokenizerClass>> => ({
  ConvBert: { ...bert, ...unnamed, parts: undefined },
  DPRContextEncoder: dpr(),
  DPRQuestionEncoder: { ...dpr(), models: 'dpr' },
  DPRReader: dpr(),
  Funnel: {
    models: 'funnel',
    roles: { bos: '<s>', eos: '</s>', unk: '<unk>', sep: '<sep>', pad: '<pad>', cls: '<cls>', mask: '<mask>' },
    parts: (options) => wordPiece(options, { clean_text: options.flag('clean_text', true) }, options.string('wordpieces_prefix', '##')),
    around: () => ({ single: 'cls:2 $A sep', pair: 'cls:2 $A sep $B:1 sep:1' }),
  },
  Splinter: {
    ...bert,
    ...unnamed,
    models: 'splinter',
    named: { question_token: '[QUESTION]' },
    around: (options) => ({
      single: 'cls $A sep',
      pair: options.side === 'right' ? 'cls $A question_token . sep $B:1 sep:1' : 'cls $A sep $B:1 question_token . sep:1',
    }),
  },
});
