/**
 * Says in TypeScript what the host must know of the kernels, from AssemblyScript's own syntax trees of assembly/.
 *
 *   kernel      a function that index.ts exports       a function of named arguments, which makes a launch
 *   constant    `export const` of a whole number       the same constant
 *   enum        `export enum`                          an object of its numbers
 *   struct      `@unmanaged export class`              a function of named fields, which gives its words
 *
 * A kernel's number is its place among all of them in the order of their names, as src/engine/instantiate.ts finds them in a binary.
 */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as assemblyscript from 'assemblyscript';

// Its declarations have these two as const enums, which exist for TypeScript alone.
const { CommonFlags, NodeKind, newOptions, newProgram, parse } = /** @type {any} */ (assemblyscript);

const assembly = join(dirname(import.meta.dirname), 'assembly');

/** Whole numbers of four bytes: what structs and constants are made of. */
const words = ['usize', 'i32', 'u32'];
/** What JavaScript can give a kernel, beside pointers to structs. */
const numbers = [...words, 'f32', 'f64'];
/** What a launch has beside the kernel's arguments. */
const reserved = ['tiles', 'work'];

/** What a binary says of itself. */
const ofBinary = ['BUILD', 'RELAXED'];

/** @typedef {{ name: string, type: string }} Field */

/** Fails for what the host could not know or give. @returns {never} */
const refuse = (/** @type {string} */ what, /** @type {string} */ why) => {
  throw new Error(`assembly: ${what} ${why}`);
};

const textOf = (/** @type {any} */ node) => node.range.source.text.slice(node.range.start, node.range.end);

/** @returns {Field[]} */
const fieldsOf = (/** @type {any[]} */ nodes) => nodes.map(({ name, type }) => ({ name: name.text, type: textOf(type) }));

/** A number that is written with numbers, operators and constants that are known. */
function numberOf(/** @type {any} */ node, /** @type {Map<string, number>} */ constants) {
  /** @type {string} */
  const text = textOf(node);
  const isKnown = /^[\w\s+*()<|-]+$/.test(text) && (text.match(/\b[A-Za-z_]\w*/g) ?? []).every((name) => constants.has(name));
  const value = isKnown ? new Function(...constants.keys(), `return ${text}`)(...constants.values()) : undefined;
  return Number.isInteger(value) ? value : refuse(text, 'is no whole number that the host could know: do not export it');
}

/** What the modules export, by name. */
class Exports {
  kernels = /** @type {string[]} */ ([]);
  functions = /** @type {Map<string, Field[]>} */ (new Map());
  constants = /** @type {Map<string, number>} */ (new Map());
  enums = /** @type {Map<string, Record<string, number>>} */ (new Map());
  structs = /** @type {Map<string, Field[]>} */ (new Map());

  static async read(/** @type {string} */ folder) {
    const found = new Exports();
    for (const file of (await readdir(folder)).filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')).sort()) {
      const program = newProgram(newOptions());
      parse(program, await readFile(join(folder, file), 'utf8'), file, true);
      for (const statement of program.sources[0]?.statements ?? []) found.add(statement);
    }
    found.kernels.sort();
    return found;
  }

  add(/** @type {any} */ statement) {
    const { kind, name, flags } = statement;
    if (kind === NodeKind.Export) this.kernels.push(...statement.members.map((/** @type {any} */ member) => member.exportedName.text));
    else if (kind === NodeKind.Variable) for (const declared of statement.declarations) this.addConstant(declared);
    else if (!(flags & CommonFlags.Export)) return;
    else if (kind === NodeKind.FunctionDeclaration) this.functions.set(name.text, fieldsOf(statement.signature.parameters));
    else if (kind === NodeKind.EnumDeclaration) this.addEnum(statement);
    else if (kind === NodeKind.ClassDeclaration) this.structs.set(name.text, fieldsOf(statement.members));
  }

  addConstant(/** @type {any} */ { name, type, flags, initializer }) {
    if (!(flags & CommonFlags.Export && type && words.includes(textOf(type))) || ofBinary.includes(name.text)) return;
    if (this.constants.has(name.text)) refuse(name.text, 'is exported twice');
    this.constants.set(name.text, numberOf(initializer, this.constants));
  }

  addEnum(/** @type {any} */ { name, values }) {
    let next = 0;
    const members = values.map((/** @type {any} */ member) => {
      if (member.initializer) next = numberOf(member.initializer, this.constants);
      return [member.name.text, next++];
    });
    this.enums.set(name.text, Object.fromEntries(members));
  }

  /** The parameters that follow a kernel's tiles. */
  parameters(/** @type {string} */ kernel) {
    const [begin, end, ...rest] = this.functions.get(kernel) ?? refuse(kernel, 'is exported by index.ts and no function');
    if (begin?.name !== 'begin' || end?.name !== 'end') refuse(kernel, 'must begin with its tiles, begin and end');
    for (const [i, { name, type }] of rest.entries()) {
      if (!numbers.includes(type) && !this.structs.has(type)) refuse(`${kernel}.${name}`, `is ${type}, which the host cannot give`);
      if (reserved.includes(name)) refuse(`${kernel}.${name}`, 'needs another name: every launch has that');
      if (name === 'scratch' && i > 0) refuse(kernel, 'must have scratch right behind end');
    }
    return rest;
  }

  typed(/** @type {Field[]} */ fields) {
    return fields.map(({ name, type }) => `${name}: ${this.structs.has(type) ? `Pointer<'${type}'>` : 'number'}`).join('; ');
  }

  kernelText(/** @type {string} */ name, /** @type {number} */ number) {
    const fields = this.parameters(name);
    const args = fields.map((field) => `at.${field.name}`).join(', ');
    const scratch = fields[0]?.name === 'scratch' ? ', true' : '';
    const type = `Tiles & { ${this.typed(fields)} }`;
    return `export const ${name} = (at: ${type}): Launch => launchOf(${number}, at, [${args}]${scratch});\n`;
  }

  structText(/** @type {string} */ name) {
    const fields = this.structs.get(name) ?? [];
    for (const field of fields)
      if (!words.includes(field.type)) refuse(`${name}.${field.name}`, `is ${field.type}: fields are whole numbers`);
    const values = fields.map((field) => `at.${field.name}`).join(', ');
    return `export const ${name} = (at: { ${this.typed(fields)} }): Struct<'${name}'> => [${values}];\n`;
  }
}

/** The text of src/engine/kernels.generated.ts, from the kernels' sources in a folder, which have that hash. */
export async function kernelsModule(/** @type {string} */ hash, folder = assembly) {
  const found = await Exports.read(folder);
  const arities = found.kernels.map((name) => found.parameters(name).length + 2);
  return [
    '/** Generated from assembly/ by scripts/kernels.mjs: the kernels as the host calls them. */\n',
    "import { type Launch, launchOf, type Pointer, type Struct, type Tiles } from './launch.js';\n\n",
    `/** The hash of the kernels' sources; every binary exports its own. */\nexport const BUILD = 0x${hash};\n`,
    `/** How many parameters each kernel has, in the order of their names. */\nexport const arities = [${arities.join(', ')}];\n\n`,
    ...[...found.constants].map(([name, value]) => `export const ${name} = ${value};\n`),
    ...[...found.enums].map(([name, members]) => `export const ${name} = ${JSON.stringify(members)} as const;\n`),
    '\n',
    ...[...found.structs.keys()].map((name) => found.structText(name)),
    ...found.kernels.map((name, i) => found.kernelText(name, i)),
  ].join('');
}
