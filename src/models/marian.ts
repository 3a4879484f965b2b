/** Marian (Junczys-Dowmunt et al., arXiv 1804.00344) in Hugging Face's form, the opus-mt translators: BART's layers, with sinusoidal positions and no norm behind the embeddings. */
import type { JsonNode } from '../io/json.js';
import { sinusoidal } from '../nn/positions.js';
import { type CheckpointSummary, type EncoderDecoderChoices, tiesWords } from './architecture.js';
import { bartDims, bartTies, likeBart } from './bart_family.js';
import { sizeIn } from './config.js';

/** Defaults of config keys. */
const absent = { vocab_size: 58_101, pad_token_id: 58_100 };

const isShared = (c: JsonNode): boolean => c.boolean('share_encoder_decoder_embeddings', true);

/** Sources and targets of two vocabularies, and what scores the latter. */
function twoTables(c: JsonNode, { apart }: CheckpointSummary): Pick<EncoderDecoderChoices, 'tables' | 'compared'> {
  const output = !tiesWords(c) || apart('lm_head') ? 'lm_head' : 'decoder_embedding';
  const tables = { source: 'encoder_embedding', target: 'decoder_embedding', output } as const;
  return { tables, compared: apart('lm_head') ? ['decoder_embedding', 'lm_head'] : [] };
}

/** Marian's model_type 'marian', OPUS-MT's translators, for `registerArchitecture`: an encoder-decoder. */
export const marian = /* @__PURE__ */ likeBart(
  'marian',
  'post',
  absent,
  (c, checkpoint) => ({ positions: sinusoidal('halves'), ...(!isShared(c) && twoTables(c, checkpoint)) }),
  {
    dims: (c) => {
      const dims = bartDims(c, absent);
      return { ...dims, V: isShared(c) ? dims.V : sizeIn(c, 'decoder_vocab_size', dims.V) };
    },
    ties: (c) => (isShared(c) ? bartTies(c) : tiesWords(c) ? [{ table: 'decoder_embedding', copies: ['lm_head'] }] : []),
  },
);
