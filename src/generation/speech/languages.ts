/** Languages that Whisper hears (openai/whisper, tokenizer.py): their codes, which its tokens have, and their English names. */

const names = `
  en english  zh chinese  de german  es spanish  ru russian  ko korean  fr french  ja japanese  pt portuguese  tr turkish  pl polish  ca catalan  nl dutch  ar arabic  sv swedish
  it italian  id indonesian  hi hindi  fi finnish  vi vietnamese  he hebrew  uk ukrainian  el greek  ms malay  cs czech  ro romanian  da danish  hu hungarian  ta tamil  no norwegian
  th thai  ur urdu  hr croatian  bg bulgarian  lt lithuanian  la latin  mi maori  ml malayalam  cy welsh  sk slovak  te telugu  fa persian  lv latvian  bn bengali  sr serbian
  az azerbaijani  sl slovenian  kn kannada  et estonian  mk macedonian  br breton  eu basque  is icelandic  hy armenian  ne nepali  mn mongolian  bs bosnian  kk kazakh  sq albanian
  sw swahili  gl galician  mr marathi  pa punjabi  si sinhala  km khmer  sn shona  yo yoruba  so somali  af afrikaans  oc occitan  ka georgian  be belarusian  tg tajik  sd sindhi
  gu gujarati  am amharic  yi yiddish  lo lao  uz uzbek  fo faroese  ht haitian_creole  ps pashto  tk turkmen  nn nynorsk  mt maltese  sa sanskrit  lb luxembourgish  my myanmar
  bo tibetan  tl tagalog  mg malagasy  as assamese  tt tatar  haw hawaiian  ln lingala  ha hausa  ba bashkir  jw javanese  su sundanese  yue cantonese`;

/** What some languages are called too. */
const others = `
  my burmese  ca valencian  nl flemish  ht haitian  lb letzeburgesch  ps pushto  pa panjabi  ro moldavian  ro moldovan  si sinhalese  es castilian  zh mandarin`;

const pairsOf = (list: string): (readonly [code: string, name: string])[] => {
  const words = list.trim().split(/\s+/);
  return Array.from({ length: words.length / 2 }, (_, i) => [words[2 * i] as string, (words[2 * i + 1] as string).replace('_', ' ')]);
};

/** English names by codes. */
export const languageNames: ReadonlyMap<string, string> = /* @__PURE__ */ new Map(/* @__PURE__ */ pairsOf(names));

/** The code of a language that is given by code, English name or token; undefined where there is none of it. */
export function languageCode(language: string): string | undefined {
  const asked = language.toLowerCase().replace(/^<\|(.*)\|>$/, '$1');
  if (languageNames.has(asked)) return asked;
  return [...pairsOf(names), ...pairsOf(others)].find(([, name]) => name === asked)?.[0];
}
