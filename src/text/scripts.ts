/**
 * Scripts of characters, as in Hugging Face's tokenizers: those of Unicode 9, with Japanese as one script.
 * The runtime knows scripts; characters that are younger are left out. Checked character by character against
 * tokenizers 0.23.3.
 */
import { inClass } from './unicode.js';

const NAMES =
  'Zyyy Latn Hani Hira Kana Zinh Cyrl Grek Arab Hebr Hang Deva Thai Beng Taml Telu Armn Geor Ethi Adlm Aghb Ahom Armi Avst Bali Bamu Bass Batk ' +
  'Bhks Bopo Brah Brai Bugi Buhd Cakm Cans Cari Cham Cher Copt Cprt Dsrt Dupl Egyp Elba Glag Goth Gran Gujr Guru Hano Hatr Hluw Hmng Hung Ital ' +
  'Java Kali Khar Khmr Khoj Knda Kthi Lana Laoo Lepc Limb Lina Linb Lisu Lyci Lydi Mahj Mand Mani Marc Mend Merc Mero Mlym Modi Mong Mroo Mtei ' +
  'Mult Mymr Narb Nbat Newa Nkoo Ogam Olck Orkh Orya Osge Osma Palm Pauc Perm Phag Phli Phlp Phnx Plrd Prti Rjng Runr Samr Sarb Saur Sgnw Shaw ' +
  'Shrd Sidd Sind Sinh Sora Sund Sylo Syrc Tagb Takr Tale Talu Tang Tavt Tfng Tglg Thaa Tibt Tirh Ugar Vaii Wara Xpeo Xsux Yiii';

/** Characters that Unicode 9 has in no script. */
const YOUNGER = `
  560 28 63-4 2e 1de-4 60-40 16 9-15 129-4 76-a 7a-6 4e-7 af 36-2 1f-4 11-7 d 53-6 16-d 4 37-1 44-1 104-1 3 2-1 2-5 5 8 8-1 3 e 14-1 83e
  8-a f0 69-7 240-40 4d-3 2e-2 10a-36 38 3-5 f7-4 2c5-10 330 28-18 757-1 23-2 d 9-19 5-f 30 30 1e6-3a 17d-3 12f-2 8b-4 25-b 110 1ab7-9
  5217-29 7b0 9-3e 36-3 cf-1 267-9 5053-10 16e-f 41-1 37-27 f-1 39d-3 185-b 439-97 235-3 11-7 430-180 71-e 44-d 75-b 7f-1 70-40 bb-1 11f
  4-21 239-7 b-35 1b-2 24-15f 61-1bf 3a-106 b8-348 1430-fd0 2b46-a 30-f 53-1e 17ee-12 2f4-250c 3-bfd a5-135b 1ea-16 47-b9 73-8d 6b1-54f
  2c-7d4 14c-4 11-49f 30e-2 20 3d-3 3e-38 6d-ad 3d4-c 18-8 75-b 56-2a af-61 10 9-7 2-1 d d-3 10-20 13-2d 2-63e a6d8-28 1036-a 1763-295d
  21f-b05e2`;

/** Characters whose script has changed since Unicode 9. */
const MOVED: Readonly<Record<string, string>> = { '\u0589': 'Zyyy', '\u061c': 'Zyyy', '\u0953': 'Deva', '\u0954': 'Deva' };
const JAPANESE = /[\p{sc=Hira}\p{sc=Kana}\u30fc]/u;

/** Number of characters whose script is cached. */
const CACHE = 1 << 14;

/** Returns the name of a character's script; undefined for a space, and for characters without a script, which go with any. */
export function scripts(): (character: string) => string | undefined {
  const younger = new RegExp(`[ ${inClass(YOUNGER)}]`, 'u');
  const all = NAMES.split(' ').map((name) => [name, new RegExp(`\\p{sc=${name}}`, 'u')] as const);
  const find = (character: string): string | undefined => {
    if (younger.test(character)) return undefined;
    return JAPANESE.test(character) ? 'Hani' : (MOVED[character] ?? all.find(([, script]) => script.test(character))?.[0]);
  };
  const known = new Map<string, string | undefined>();
  return (character) => {
    let script = known.get(character);
    if (script === undefined && !known.has(character)) {
      script = find(character);
      if (known.size === CACHE) known.clear();
      known.set(character, script);
    }
    return script;
  };
}
