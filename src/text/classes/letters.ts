/** The tokenizer of models that score letters at every step of a sound (connectionist temporal classification: Graves et al. 2006). */
import { HeedError } from '../../errors.js';
import type { TokenizerClass } from './class.js';
import { replacing } from './encoders.js';

/** As many as a decoder takes away. */
const MOST_SPACES = 1 << 16;

export const letterClasses = (): Readonly<Record<string, TokenizerClass>> => ({
  Wav2Vec2CTC: {
    models: 'wav2vec2',
    roles: { bos: '<s>', eos: '</s>', unk: '<unk>', pad: '<pad>' },
    // A space is heard, too.
    plain: ['word_delimiter_token'],
    parts: (options) => {
      if (options.flag('do_lower_case', false))
        throw new HeedError('UNSUPPORTED', 'tokenizer_config.json asks for do_lower_case, which heed does for the pipeline alone', {
          culprit: 'do_lower_case',
          cure: "Use pipeline('automatic-speech-recognition')",
        });
      const delimiter = options.string('word_delimiter_token', '|');
      return {
        model: { type: 'WordLevel', unk_token: options.token('unk') },
        normalizer: replacing({ String: ' ' }, delimiter),
        pre_tokenizer: { type: 'Split', pattern: { Regex: '[\\s\\S]' }, behavior: 'Isolated', invert: false },
        decoder: {
          type: 'Sequence',
          decoders: [
            { type: 'CTC', pad_token: options.token('pad'), word_delimiter_token: delimiter, cleanup: true },
            { type: 'Fuse' },
            { type: 'Strip', content: ' ', start: MOST_SPACES, stop: MOST_SPACES },
          ],
        },
      };
    },
  },
});
