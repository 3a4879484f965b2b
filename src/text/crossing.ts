/** A tokenizer as plain data, which crosses to a worker: the files that it was made of, as text, and what was set since. */
import { roles } from './classes/class.js';
import { filesBehind } from './files.js';
import { type CallableTokenizer, Tokenizer } from './tokenizer.js';

/** What of it may have been set, and matters to tokens that become text. */
const settings = ['clean_up_tokenization_spaces', ...roles.map((role) => `${role}_token` as const)] as const;
type Settings = Partial<Pick<Tokenizer, (typeof settings)[number]>>;

/** The files, as JSON; undefined for what is no tokenizer of heed's. */
export const packed = (tokenizer: object): string | undefined => {
  const files = tokenizer instanceof Tokenizer ? filesBehind(tokenizer) : undefined;
  return files && JSON.stringify(files);
};

export const unpacked = (files: string): CallableTokenizer => Tokenizer.from(JSON.parse(files));

export const settingsOf = (tokenizer: object): Settings =>
  Object.fromEntries(settings.map((name) => [name, (tokenizer as Settings)[name]])) as Settings;

/** Sets what is otherwise there. */
export function settle(tokenizer: CallableTokenizer, given: Settings): void {
  for (const name of settings) if (tokenizer[name] !== given[name]) Object.assign(tokenizer, { [name]: given[name] });
}
