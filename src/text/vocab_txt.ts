/**
 * Tokenizers of BERT and its like from before there was a tokenizer.json: vocab.txt has a piece in each line, tokenizer_config.json says how texts are normalized. Many
 * checkpoints have nothing else. What they describe is written down as a tokenizer.json, as Hugging Face's libraries do it, so that there is one way to read on.
 */
import { JsonNode } from '../io/json.js';
import type { TokenizerFiles } from './tokenizer.js';

/** The special tokens that BERT's tokenizers have where no file names them. */
const roles = { unk_token: '[UNK]', sep_token: '[SEP]', pad_token: '[PAD]', cls_token: '[CLS]', mask_token: '[MASK]' };
type Roles = typeof roles;

/** Tokenizers that are BERT's, by the names that tokenizer_config.json has for them. */
const known = /^(Bert|DistilBert|Electra|MobileBert|ConvBert|SqueezeBert|Retribert|LayoutLM|Dpr\w*)Tokenizer(Fast)?$/;

/** The files that a tokenizer is made of; undefined where vocab.txt and the other two are not BERT's. */
export function fromVocabulary(
  vocab: string,
  configFile: unknown,
  specialTokensFile: unknown,
  locate: (file: string) => string,
): TokenizerFiles | undefined {
  const config = JsonNode.of(locate('tokenizer_config.json'), configFile ?? {});
  const given = JsonNode.of(locate('special_tokens_map.json'), specialTokensFile ?? {});
  if (!known.test(config.string('tokenizer_class', 'BertTokenizer'))) return undefined;
  const lines = vocab.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const ids = new Map(lines.map((piece, id) => [piece, id]));
  const tokenOf = (node: JsonNode, role: string): string | undefined =>
    typeof node.get(role) === 'object' ? node.object(role).string('content') : (node.get(role) as string | undefined);
  const specialTokens = Object.fromEntries(
    Object.entries(roles).map(([role, token]) => [role, String(tokenOf(config, role) ?? tokenOf(given, role) ?? token)]),
  ) as Roles;
  const { unk_token, cls_token, sep_token } = specialTokens;
  if (![unk_token, cls_token, sep_token].every((token) => ids.has(token))) return undefined;
  const special = (id: string, type_id = 0) => ({ SpecialToken: { id, type_id } });
  const text = (id: 'A' | 'B', type_id = 0) => ({ Sequence: { id, type_id } });
  const tokenizer = {
    added_tokens: Object.values(specialTokens).flatMap((content) => {
      const id = ids.get(content);
      return id === undefined ? [] : [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }];
    }),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: config.boolean('tokenize_chinese_chars', true),
      strip_accents: config.get('strip_accents') ?? null,
      lowercase: config.boolean('do_lower_case', true),
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special(cls_token), text('A'), special(sep_token)],
      pair: [special(cls_token), text('A'), special(sep_token), text('B', 1), special(sep_token, 1)],
      special_tokens: Object.fromEntries([cls_token, sep_token].map((id) => [id, { id, ids: [ids.get(id)], tokens: [id] }])),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      ...{ type: 'WordPiece', unk_token, continuing_subword_prefix: '##', max_input_chars_per_word: 100 },
      vocab: Object.fromEntries(ids),
    },
  };
  return { tokenizer, config: { ...config.value, ...specialTokens } };
}
