/**
 * Where the translator's sentences come from: a file of `English TAB Chinese` each, how often an epoch has each of its pairs (below 1: which share of
 * them it has at all), and how long a pair may be. Everyday speech counts for most; manuals and the Bible lend words and grammar.
 */

/**
 * @typedef {object} Source
 * @property {string} file
 * @property {number} times In an epoch.
 * @property {number} [words] The most English words. Default 30.
 * @property {boolean} [sentences] Whether a final stop on one side belongs on the other too.
 */

/** @type {readonly Source[]} */
export const sources = [
  { file: 'tatoeba-eng-cmn/train.tsv', times: 2, sentences: true },
  { file: 'english-chinese/open/tatoeba_more.tsv', times: 2, sentences: true },
  { file: 'english-chinese/open/african_storybook.tsv', times: 2 },
  { file: 'english-chinese/open/phrasebook_handwritten.tsv', times: 8 },
  { file: 'english-chinese/open/home_assistant.tsv', times: 0.6, words: 20 },
  { file: 'english-chinese/open/chromium_ui.tsv', times: 1, words: 15 },
  { file: 'english-chinese/open/android_framework.tsv', times: 0.7, words: 15 },
  { file: 'english-chinese/open/gettext_webapps.tsv', times: 0.7, words: 15 },
  { file: 'english-chinese/open/vscode_ui.tsv', times: 0.3, words: 15 },
  { file: 'english-chinese/open/cldr.tsv', times: 0.7, words: 5 },
  { file: 'english-chinese/open/osm_tagging.tsv', times: 1, words: 6 },
  { file: 'english-chinese/open/tico19_health.tsv', times: 0.5, words: 22 },
  { file: 'english-chinese/open/chinese_open_wordnet.tsv', times: 0.25, words: 2 },
  { file: 'english-chinese/open/bible_web_cuv.tsv', times: 0.1, words: 20 },
  { file: 'english-chinese/open/react_docs.tsv', times: 0.2, words: 15 },
  { file: 'english-chinese/open/tldr.tsv', times: 0.2, words: 12 },
  { file: 'english-chinese/open/python_docs.tsv', times: 0.05, words: 15 },
];

/** Sentences that stand in one of these, on either side, are never learned from. */
export const tests = ['tatoeba-eng-cmn/valid.tsv', 'tatoeba-eng-cmn/test.tsv'];
/** A phrase book's sentences, written by the hand that wrote the list that is judged: those that both have are left out of the former. */
export const everyday = 'english-chinese/everyday.tsv';
export const handwritten = 'english-chinese/open/phrasebook_handwritten.tsv';
