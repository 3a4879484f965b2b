/** What strangers try: bodies, schemas, templates and pictures that are meant to harm. Each is refused with its status, and the next request is answered. */
import { deflateSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { bertTiny, eye, many, post, refusalOf, serve, toolWriter } from './serving.js';

/** The language model with another chat template. */
const templated = (chat_template: string) => ({
  source: { ...toolWriter, 'tokenizer_config.json': new TextEncoder().encode(JSON.stringify({ eos_token: '</s>', chat_template })) },
});
const server = await serve({
  models: {
    ...{ writer: { source: toolWriter }, encoder: bertTiny, eye: { source: eye } },
    turns: templated('{% for i in range(1000000000) %}{% endfor %}{{ messages }}'),
    doubles: templated(
      "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}{{ messages }}",
    ),
    writes: templated("{{ mood }}{{ messages[0].content|upper|replace('A', 'AAAAAAAAAA') }}"),
  },
});
afterAll(() => server.close());

const chat = { model: 'writer', temperature: 0, max_tokens: 3, messages: [{ role: 'user', content: 'Hi' }] };
const [chats, completions, embeddings] = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings'] as const;
const good = () => post(server, chats, chat);
const huge = 'a'.repeat(8_000_000);
const object = (count: number, value: unknown) => Object.fromEntries(many(count).map((i) => [`k${i}`, value]));
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

type Row = readonly [what: string, path: string | undefined, body: unknown, status: number, more?: object];
const withSchema = (schema: object) => ({ ...chat, response_format: { type: 'json_schema', json_schema: { name: 'a', schema } } });
const withTools = (tools: readonly object[], more = {}) => ({
  ...chat,
  tools: tools.map((own) => ({ type: 'function', function: own })),
  ...more,
});
const called = (own: object) => ({
  ...chat,
  messages: [
    ...chat.messages,
    { role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'a', arguments: '{}', ...own } }] },
  ],
});

const bodies: readonly Row[] = [
  // Shapes of JSON.
  ['a million members', chats, JSON.stringify(object(1e6, 1)), 400, { code: 'invalid_json' }],
  ['a member many times', chats, `{${'"model":"writer",'.repeat(2e5)}"n":1}`, 400, { code: 'invalid_json' }],
  ['ten million numbers', completions, `{"model":"writer","prompt":[${'5,'.repeat(1e7)}5]}`, 400, { code: 'invalid_json' }],
  ['a million lists within each other', chats, nested(1e6), 400, { code: 'invalid_json' }],
  ['UTF-16', chats, new Uint8Array(Buffer.from(JSON.stringify(chat), 'utf16le')), 400, { code: 'invalid_json' }],
  ['a number beyond all', chats, JSON.stringify(chat).replace('"temperature":0', '"temperature":1e999'), 400, { param: 'temperature' }],
  ['a constructor', chats, { ...chat, constructor: { prototype: { n: 2 } } }, 400, { code: 'unknown_parameter' }],
  ['a prototype in a message', chats, JSON.stringify(chat).replace('"role"', '"__proto__":{},"role"'), 400, { code: 'unknown_parameter' }],
  // Numbers.
  ['tokens without end', chats, { ...chat, max_tokens: 1e15 }, 400, { param: 'max_tokens' }],
  [
    'tokens without end, by another name',
    '/v1/responses',
    { model: 'writer', input: 'a', max_output_tokens: 1e15 },
    400,
    { param: 'max_output_tokens' },
  ],
  ['more tokens than a number holds', chats, { ...chat, max_tokens: 1e300 }, 400, { param: 'max_tokens' }],
  ['a billion texts', chats, { ...chat, n: 1e9 }, 400, { param: 'n' }],
  ['a billion alternatives', chats, { ...chat, logprobs: true, top_logprobs: 1e9 }, 400, { param: 'top_logprobs' }],
  ['half a million biases', chats, { ...chat, logit_bias: Object.fromEntries(many(5e5).map((i) => [i, 1])) }, 400],
  ['no dimensions', embeddings, { model: 'encoder', input: 'a', dimensions: 0 }, 400, { param: 'dimensions' }],
  ['tokens for an encoder', embeddings, { model: 'encoder', input: [[-1]] }, 400, { param: 'input' }],
  ['a token below all', completions, { model: 'writer', prompt: [-1] }, 400, { param: 'prompt.0' }],
  ['a token beyond all', completions, { model: 'writer', prompt: [1e9] }, 400, { param: 'prompt' }],
  // Texts of millions of characters.
  ...(
    [
      ['content', { ...chat, messages: [{ role: 'user', content: huge }] }],
      ['role', { ...chat, messages: [{ role: huge, content: 'a' }] }],
      ['name', { ...chat, messages: [{ role: 'user', content: 'a', name: huge }] }],
      ['model', { ...chat, model: huge }],
      ['stop string', { ...chat, stop: huge }],
      ['field', { ...chat, [huge]: 1 }],
      ['variable of the template', { ...chat, model: 'writes', chat_template_kwargs: { mood: huge } }],
      ['name of a variable', { ...chat, model: 'writes', chat_template_kwargs: { [huge]: 1 } }],
      ['argument of a call', called({ arguments: JSON.stringify({ city: huge }) })],
      ['name of a call', called({ name: huge, arguments: '{"city":"a"}' })],
      ['name of a tool', withTools([{ name: huge }])],
      ['pattern', withSchema({ type: 'string', pattern: huge })],
      ['value of a schema', withSchema({ enum: [huge] })],
    ] as const
  ).map(([what, body]): Row => [`a huge ${what}`, chats, body, 400]),
  ['a huge prompt', completions, { model: 'writer', prompt: huge }, 400, { param: 'prompt', code: 'context_length_exceeded' }],
  ['a huge input', '/v1/responses', { model: 'writer', input: huge }, 400, { param: 'input', code: 'context_length_exceeded' }],
  ['huge instructions', '/v1/responses', { model: 'writer', input: 'a', instructions: huge }, 400, { param: 'input' }],
  ['a huge text', embeddings, { model: 'encoder', input: huge }, 400, { param: 'input' }],
  ['a huge query', '/v1/rerank', { model: 'encoder', query: huge, documents: ['a'] }, 400, { param: 'query' }],
  // Templates and their variables.
  ['a template with a billion turns', chats, { ...chat, model: 'turns' }, 400, { param: 'chat_template' }],
  ['a template that doubles a text', chats, { ...chat, model: 'doubles' }, 400, { param: 'chat_template' }],
  [
    'a template that makes much of little',
    chats,
    { ...chat, model: 'writes', messages: [{ role: 'user', content: 'a'.repeat(1e6) }] },
    400,
  ],
  ['another conversation as a variable', chats, { ...chat, chat_template_kwargs: { messages: [] } }, 400, { param: 'messages' }],
  ['another template as a variable', chats, { ...chat, chat_template_kwargs: { chat_template: '' } }, 400, { param: 'chat_template' }],
  ['a variable without a name', chats, { ...chat, chat_template_kwargs: { '': 1 } }, 400],
  ['a variable with a strange name', chats, { ...chat, chat_template_kwargs: { '!!': 1 } }, 400],
  ['many variables', chats, { ...chat, chat_template_kwargs: object(50_000, 1) }, 400, { param: 'chat_template_kwargs' }],
  [
    'a deep variable',
    chats,
    `{"model":"writes","messages":[{"role":"user","content":"a"}],"chat_template_kwargs":{"mood":${nested(200)}}}`,
    400,
  ],
  ['deep arguments', chats, called({ arguments: `{"city":${nested(5e5)}}` }), 400, { param: 'messages' }],
  // Tools and schemas.
  ['a hundred thousand tools', chats, withTools(many(1e5).map((i) => ({ name: `t${i}` }))), 400],
  [
    'a tool that there is not',
    chats,
    withTools([{ name: 'a' }], { tool_choice: { type: 'function', function: { name: 'b' } } }),
    400,
    { param: 'tool_choice' },
  ],
  [
    'large schemas of many tools',
    chats,
    withTools(
      many(128).map((i) => ({ name: `t${i}`, parameters: { type: 'object', properties: object(200, { type: 'string' }) } })),
      { tool_choice: 'required' },
    ),
    400,
  ],
  ['a schema that is itself', chats, withSchema({ $ref: '#' }), 400],
  [
    'schemas that are each other',
    chats,
    withSchema({ $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' }),
    400,
  ],
  ['a schema from elsewhere', chats, withSchema({ $ref: 'http://127.0.0.1/schema.json' }), 400],
  [
    'a product of alternatives',
    chats,
    withSchema({
      allOf: many(12).map((i) => ({ anyOf: ['a', 'b'].map((k) => ({ type: 'object', properties: { [k + i]: {} }, required: [k + i] })) })),
    }),
    400,
  ],
  ['a hundred thousand values', chats, withSchema({ enum: many(1e5).map((i) => `v${i}`) }), 400],
  [
    'twenty thousand constants',
    chats,
    withSchema({ anyOf: many(2e4).map((i) => ({ const: `value ${i}`, title: 'a title of some length that says nothing' })) }),
    400,
  ],
  ['a long name in a schema', chats, withSchema({ type: 'object', properties: { [huge.slice(0, 1e6)]: {} } }), 400],
  ['groups within groups', chats, withSchema({ type: 'string', pattern: '('.repeat(5000) + ')'.repeat(5000) }), 400],
  // Pictures are bytes of a body; addresses are not asked.
  ['an address for a picture', '/attention', { model: 'eye', image: 'http://127.0.0.1/a.png' }, 400, { param: 'image' }],
  ['an address as the bytes of a picture', '/attention', { model: 'eye', image: btoa('http://127.0.0.1/a.png') }, 400, { param: 'image' }],
  ['a path as the bytes of a picture', '/attention', { model: 'eye', image: btoa('/etc/passwd') }, 400, { param: 'image' }],
  ['a picture of a billion pixels', '/attention', { model: 'eye', image: png(40_000, 40_000) }, 400, { param: 'image' }],
  ['a picture of a million lines', '/attention', { model: 'eye', image: png(1, 1_000_000) }, 400, { param: 'image' }],
  ['a picture that breaks off', '/attention', { model: 'eye', image: png(4000, 4000) }, 400, { param: 'image' }],
  ['no picture in many bytes', '/attention', { model: 'eye', image: 'A'.repeat(28_000_000) }, 400, { param: 'image' }],
];

/** A PNG file in base64 whose header tells a size; there are pixels of a hundred bytes. */
function png(width: number, height: number): string {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 8);
  const chunk = (type: string, data: Uint8Array) => {
    const all = Buffer.alloc(12 + data.length);
    all.writeUInt32BE(data.length);
    all.write(type, 4, 'latin1');
    all.set(data, 8);
    all.writeUInt32BE(crc(all.subarray(4, -4)), 8 + data.length);
    return all;
  };
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
  const parts = [
    signature,
    chunk('IHDR', new Uint8Array(header.buffer)),
    chunk('IDAT', deflateSync(new Uint8Array(100))),
    chunk('IEND', new Uint8Array()),
  ];
  return Buffer.concat(parts).toString('base64');
}
function crc(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

it.each(bodies)('%s is refused, and the next request answered', async (_, path, body, status, more = {}) => {
  const request = new Request(`http://localhost${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' || body instanceof Uint8Array ? (body as BodyInit) : JSON.stringify(body),
  });
  expect(await refusalOf(await server.fetch(request))).toMatchObject({ status, ...(more as object) });
  expect((await good()).status).toBe(200);
});

it('paths and models that strangers make up are no labels of metrics', async () => {
  for (const i of many(20)) {
    await server.fetch(new Request(`http://localhost/stranger${i}`));
    await post(server, chats, { ...chat, model: `stranger${i}` });
  }
  const text = await (await server.fetch(new Request('http://localhost/metrics'))).text();
  expect(text).not.toContain('stranger');
});

it('no text of a request that is refused is in the log', async () => {
  const before = server.log.length;
  const told = 'my secret words';
  for (const body of [
    `{"model":"writer","messages":[{"role":"user","content":"${told}" oops}]}`,
    { ...chat, model: told },
    { ...chat, messages: [{ role: told, content: told }] },
    { ...chat, response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { $ref: told } } } },
  ])
    expect((await post(server, chats, body)).status).toBeGreaterThanOrEqual(400);
  const lines = server.log.slice(before);
  expect(lines).toHaveLength(4);
  expect(lines.map(({ error }) => error)).toContain('invalid_json');
  expect(JSON.stringify(lines)).not.toContain('secret');
});
