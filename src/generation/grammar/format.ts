/** Formats of an answer for `response_format`, under the names of OpenAI's API and similar ones. */
import { checkOptions, HeedError, kindOf } from '../../errors.js';
import type { Expression, Expressions } from './expression.js';
import { Json, oneOf } from './json.js';
import { regexIn } from './regex.js';
import { schemaIn } from './schema.js';
import { type ToolFormat, toolCallsIn } from './tool_grammar.js';

/** Any object in JSON. */
export interface JsonObjectFormat {
  /** Type of the format. */
  type: 'json_object';
  /** `true` where the JSON may have white space and several lines; `false` for no white space at all. Default true. */
  whitespace?: boolean | undefined;
}

/** JSON that fits a schema. */
export interface JsonSchemaFormat {
  /** Type of the format. */
  type: 'json_schema';
  /** The schema, with its name and description. */
  json_schema: {
    /** JSON Schema, draft 2020-12. */
    schema: unknown;
    /** Name for readers; without effect. */
    name?: string | undefined;
    /** Description for readers; without effect. */
    description?: string | undefined;
    /** Accepted for compatibility; answers always fit the schema. */
    strict?: boolean | null | undefined;
  };
  /** `true` where the JSON may have white space and several lines; `false` for no white space at all. Default true. */
  whitespace?: boolean | undefined;
}

/** A text that a regular expression fits as a whole. */
export interface RegexFormat {
  /** Type of the format. */
  type: 'regex';
  /** Regular expression in JavaScript's syntax, with the flag u. */
  regex: string;
}

/** Format of one of several texts. */
export interface ChoiceFormat {
  /** Type of the format. */
  type: 'choice';
  /** The texts. */
  choices: readonly string[];
}

/** Format of an answer. */
export type ResponseFormat = JsonObjectFormat | JsonSchemaFormat | RegexFormat | ChoiceFormat | ToolFormat;

const wrong = (what: string, culprit: string, cure: string) => new HeedError('ARGUMENT', `response_format: ${what}`, { culprit, cure });

/** Bytes that all choices may have together. */
const MOST_BYTES = 100_000;

type Maker<T> = (make: Expressions, format: T) => Expression;
type Of<Name extends ResponseFormat['type']> = Extract<ResponseFormat, { type: Name }>;

const makers: { readonly [Name in ResponseFormat['type']]: readonly [options: readonly string[], make: Maker<Of<Name>>] } = {
  json_object: [['whitespace'], (make, { whitespace = true }) => Json.of(make, whitespace).anyObject()],
  json_schema: [
    ['json_schema', 'whitespace'],
    (make, { json_schema, whitespace = true }) => {
      checkOptions(json_schema, ['schema', 'name', 'description', 'strict'], 'response_format.json_schema');
      return schemaIn(make, json_schema.schema, whitespace);
    },
  ],
  regex: [
    ['regex'],
    (make, { regex }) => {
      const found = regexIn(make, regex, 'response_format.regex');
      if (found === make.nothing) throw wrong('the regular expression fits no text', 'regex', 'Is something before ^ or behind $?');
      return make.word(found);
    },
  ],
  choice: [
    ['choices'],
    (make, { choices }) => {
      if (!Array.isArray(choices) || !choices.length || !choices.every((choice) => typeof choice === 'string' && choice))
        throw wrong(`choices is ${kindOf(choices)}`, 'choices', 'Give a list of texts, none of them empty');
      const broken = choices.findIndex((choice) => /\p{Surrogate}/u.test(choice));
      if (broken >= 0) throw wrong(`choice ${broken} holds half a surrogate pair`, 'choices', 'Tokens write whole characters');
      const bytes = choices.reduce((sum, choice) => sum + choice.length, 0);
      if (bytes > MOST_BYTES) throw wrong(`choices have ${bytes} characters`, 'choices', `They may have ${MOST_BYTES} together`);
      return oneOf(make, choices);
    },
  ],
  tool_calls: [
    ['tools', 'tool_choice', 'syntax', 'parallel_tool_calls', 'otherwise'],
    (make, format) => {
      const calls = toolCallsIn(make, format);
      return format.otherwise === undefined ? calls : make.choice(calls, expressionOf(make, format.otherwise));
    },
  ],
};

/** Expression of the texts that a format allows. */
export function expressionOf(make: Expressions, format: ResponseFormat): Expression {
  const type = (format as { type?: unknown } | undefined)?.type;
  const [options, maker] = (typeof type === 'string' && Object.hasOwn(makers, type) ? makers[type as 'regex'] : undefined) ?? [];
  if (!options || !maker)
    throw wrong(`its type is ${kindOf(type)}`, 'response_format', `Give { type } as one of ${Object.keys(makers).join(', ')}`);
  checkOptions(format, ['type', ...options], `response_format of type ${type}`);
  const { whitespace } = format as { whitespace?: unknown };
  if (whitespace !== undefined && typeof whitespace !== 'boolean')
    throw wrong(`whitespace is ${kindOf(whitespace)}`, 'whitespace', 'It is true or false');
  return maker(make, format as RegexFormat);
}
