/**
 * Schemathesis, which makes requests out of /openapi.json, those that it allows and those that it does not, finds none that fails the server. Skipped where it is not installed, unless
 * runtimes are required: `.ci/run` installs it.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { listen } from 'heed/server';
import { afterAll, describe, expect, it } from 'vitest';
import { tiny } from '../pipelines/tiny.js';
import { tinyTranslator } from '../pipelines/tiny_translator.js';
import { bertTiny, post, serve, toolWriter } from './serving.js';

const command = process.env.HEED_SCHEMATHESIS ?? fileURLToPath(new URL('../../.runtimes/schemathesis/bin/schemathesis', import.meta.url));
const has = existsSync(command) || process.env.HEED_REQUIRE_RUNTIMES;
const translator = await tinyTranslator();
// It leaves a cache where it runs.
const folder = mkdtempSync(join(tmpdir(), 'heed-'));
afterAll(() => {
  for (const path of [translator, folder]) rmSync(path, { recursive: true });
});

describe.skipIf(!has)('requests of all kinds', () => {
  it('are answered, or refused with a status that the description has', async () => {
    const config = JSON.parse(new TextDecoder().decode(toolWriter['config.json']));
    const small = new TextEncoder().encode(JSON.stringify({ ...config, max_position_embeddings: 256 }));
    const server = await serve({
      models: {
        ...{ writer: { source: { ...toolWriter, 'config.json': small } }, encoder: bertTiny, classifier: tiny('classify'), translator },
        ...Object.fromEntries(
          Object.entries({ reranker: 'embedding_decoders/rerank', hearer: 'ctc/group' }).map(([name, path]) => [
            name,
            fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url)),
          ]),
        ),
      },
      timeout: 60,
    });
    const { url, close } = await listen(server, { port: 0 });
    const checks = 'not_a_server_error,status_code_conformance,content_type_conformance';
    // How long a machine takes to make up requests is no fault of theirs.
    const options = [
      '--checks',
      checks,
      '--max-examples',
      '15',
      '--seed',
      '1',
      '--request-timeout',
      '60',
      '--suppress-health-check',
      'too_slow',
    ];
    const run = promisify(execFile)(
      command,
      ['run', `${url}/openapi.json`, '--no-color', '--phases', 'examples,coverage,fuzzing', ...options],
      {
        cwd: folder,
        timeout: 300_000,
        maxBuffer: 2 ** 26,
      },
    );
    const { stdout } = await run.catch((error: { stdout: string; stderr: string }) => error);
    expect(server.log.filter(({ status }) => status >= 500)).toEqual([]);
    expect(stdout).toMatch(/(\d+) generated, \1 passed/);
    expect(server.log.length).toBeGreaterThan(300);
    // Many of them were such as could be answered.
    const answered = server.log.filter(({ method, status }) => method === 'POST' && status === 200);
    expect(new Set(answered.map(({ path }) => path)).size).toBeGreaterThan(4);
    const chat = { model: 'writer', temperature: 0, max_tokens: 3, messages: [{ role: 'user', content: 'Hi' }] };
    expect((await post(server, '/v1/chat/completions', chat)).status).toBe(200);
    await close();
  }, 330_000);
});
