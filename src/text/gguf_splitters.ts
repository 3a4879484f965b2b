/**
 * Pre-tokenizers of byte-level BPE by their names in GGUF files (tokenizer.ggml.pre), as llama.cpp's llama-vocab.cpp lists them. A pre-tokenizer is
 * one regular expression or several, each of which splits the parts that those before it have left, as models' own tokenizer.json has them.
 */
const { raw } = String;

/** A pre-tokenizer, with its differences from others. */
export interface Splitter {
  readonly names: string;
  /** Regular expressions, in turn; none: words between white space. */
  readonly cuts: readonly string[];
  /** `true`: a word that is a piece stays whole, whatever merges would make of it. */
  readonly whole?: true;
  /** `true`: texts begin with bos where the file does not say. */
  readonly begins?: true;
  /** `true`: a token stands between the texts of a pair where the file does not say. */
  readonly separates?: true;
  /** `true`: pieces are of characters, with ▁ for a space and bytes for unknown characters, not of bytes. */
  readonly characters?: true;
}

const short = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const letters = raw`[^\r\n\p{L}\p{N}]?\p{L}+`;
const marks = raw` ?[^\s\p{L}\p{N}]+[\r\n]*`;
const lines = raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
/** Words as GPT-4's tokenizer and its like have them: so many digits together. */
const words = (digits: string) => `${short}|${letters}|${raw`\p{N}`}${digits}|${marks}|${lines}`;
/** Capitals, and small letters behind them, with what may follow: as o200k has it. `of` tells of a class's letters. */
const cased = (ending = '', of = (letter: string) => `[${letter}]`) => {
  const [upper, lower] = [of(raw`\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}`), of(raw`\p{Ll}\p{Lm}\p{Lo}\p{M}`)];
  const before = raw`[^\r\n\p{L}\p{N}]?`;
  return `${before}${upper}*${lower}+${ending}|${before}${upper}+${lower}*${ending}`;
};
const slashed = raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`;
/** GPT-2's. */
const gpt2 = raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const digit = raw`\p{N}`;
const digits = raw`\p{N}+`;
/** Three digits together, counted from a number's end. */
const threes = raw`\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))`;
const ideographs = '[一-龥぀-ゟ゠-ヿ]+';
const deepseek = raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_${'`'}{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+`;
const bloom = ' ?[^(\\s|.,!?…。，、।۔،)]+';
const ofLines = raw`[^\n]+|[\n]+`;
const hangul = '[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+';
const asian = '[一-鿿㐀-䶿豈-﫿぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+';

export const splitters: readonly Splitter[] = [
  { names: 'default', cuts: [raw`[\p{P}$+<=>^~|]+`, gpt2, digits, '[0-9][0-9][0-9]'] },
  {
    names:
      'gpt-2 gpt2 phi-2 jina-es jina-de jina-v2-es jina-v2-de gigachat a.x-4.0 mellum modern-bert mpt olmo jais trillion granite-docling exaone4',
    cuts: [gpt2],
  },
  { names: 'roberta-bpe jina-v1-en jina-v2-code', cuts: [gpt2], separates: true },
  { names: 'smollm starcoder refact command-r codeshell exaone minerva-7b mellum2', cuts: [digit, gpt2] },
  { names: 'falcon', cuts: [raw`[\p{P}$+<=>^~|${'`'}]+`, gpt2, '[0-9][0-9][0-9]'] },
  {
    names: 'llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano',
    ...{ cuts: [words('{1,3}')], whole: true, begins: true },
  },
  { names: 'dbrx smaug-bpe glm4 chatglm-bpe', cuts: [words('{1,3}')] },
  { names: 'minicpm5', cuts: [raw`\p{N}{1,3}`, words('+')], whole: true },
  {
    names: 'jais-2',
    cuts: [
      words('{1,3}').replace(
        raw`\s+(?!\S)|\s+`,
        raw`\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}`,
      ),
    ],
  },
  { names: 'qwen2 deepseek-r1-qwen kormo f2llmv2 stablelm2 megrez hunyuan solar-open grok-2', cuts: [words('')] },
  {
    names: 'qwen35',
    cuts: [words('').replace(letters, raw`[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+`).replace(marks, raw` ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*`)],
  },
  { names: 'laguna', cuts: [ofLines, words('')] },
  { names: 'ufakzeka', cuts: [words('').slice(short.length + 1)] },
  { names: 'seed-coder', cuts: [words('').replace(marks, raw` ?[^\s\p{L}\p{N}\r\n]+`)] },
  {
    names: 'bailingmoe bailingmoe2 llada-moe',
    cuts: [raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`],
  },
  {
    names: 'exaone-moe',
    cuts: [`${short}|${raw`[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+`}`],
  },
  { names: 'tekken', cuts: [`${cased()}|${digit}|${slashed}|${lines}`], whole: true, begins: true },
  { names: 'gpt-4o llama4 kanana2 talkie minimax-m2', cuts: [`${cased(`${short}?`)}|${raw`\p{N}{1,3}`}|${slashed}|${lines}`] },
  { names: 'granite-embed-multi-97m', cuts: [`${cased(`${short}?`)}|${raw`\p{N}{1,3}`}|${slashed}|${lines}`], whole: true },
  { names: 'tiny_aya cohere2moe', cuts: [raw`\d{1,3}(?=(?:\d{3})*\b)`, `${cased(`${short}?`)}|${raw`\p{N}{1,3}`}|${slashed}|${lines}`] },
  { names: 'youtu', cuts: [hangul, `${cased(`${short}?`)}|${digit}|${slashed}|${lines}`], whole: true },
  {
    names: 'kimi-k2',
    cuts: [raw`[\p{Han}]+|${cased(`${short}?`, (letter) => raw`(?:(?!\p{Han})[${letter}])`)}|\p{N}{1,3}|${marks}|${lines}`],
  },
  {
    names: 'deepseek-llm',
    cuts: [
      raw`[\r\n]`,
      raw`\s?(?:(?![𝐀-𝟿])[\p{Lu}\p{Ll}\p{Lt}])+`,
      raw`\s?[!-/:-~！-／：-～‘-‟　-。]+`,
      raw`\s+$`,
      '[一-龥ࠀ-一가-퟿]+',
      digits,
    ],
  },
  { names: 'deepseek-coder', cuts: [raw`[\r\n]`, raw`\s?\p{L}+`, raw`\s?\p{P}+`, '[一-龥ࠀ-一가-퟿]+', digit] },
  { names: 'deepseek-v3 hunyuan-dense joyai-llm hy_v4', cuts: [raw`\p{N}{1,3}`, ideographs, raw`${deepseek}[\r\n]*|${lines}`] },
  { names: 'spark2_5', cuts: [raw`\p{N}{1,3}`, ideographs, raw`${deepseek}|[\r\n]|\s+(?!\S)|\s+`, digit] },
  { names: 'afmoe', cuts: [threes, asian, raw`${deepseek}[\r\n]*|${lines}`] },
  { names: 'superbpe', cuts: [digits, threes] },
  { names: 'poro-chat bloom gpt3-finnish', cuts: [bloom] },
  { names: 'viking', cuts: [bloom, digit] },
  {
    names: 'chameleon',
    ...{
      cuts: [
        '<sentinel:[0-9]+>',
        '(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z',
        raw`([\t\n]|    |  )`,
        digit,
        raw`[\p{P}!-/:-@\[-${'`'}{-~]`,
        gpt2,
      ],
      begins: true,
    },
  },
  { names: 'gemma4 granite-embed-multi-311m', cuts: [ofLines], characters: true, begins: true },
  { names: 'sarvam-moe', cuts: [ofLines], characters: true },
  { names: 'whitespace', cuts: [], characters: true },
];

/** The splitter of a name. */
export const splitterOf = (name: string): Splitter | undefined => splitters.find(({ names }) => names.split(' ').includes(name));
