/** A worker that is none: a MessageChannel stands for it, and it can die, be late, or say nothing. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, vi } from 'vitest';
import { HeedError } from '../../dist/errors.js';
import { type Hosted, hostModels, type Loaders } from '../../dist/remote/host.js';
import type { HostHandle, Port } from '../../dist/runtime/types.js';

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

/** A "worker" that serves these loaders, or nobody. */
export function host(loaders: Loaders | undefined) {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  if (loaders) hostModels(loaders, port2 as unknown as Port);
  port2.start();
  port1.start();
  let die: (why: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    die = reject;
  });
  const handle = { port: port1 as unknown as Port, failed, terminate: vi.fn() } satisfies HostHandle;
  return { handle, die };
}

/** Something that can be loaded: it answers with `run`. */
export const servable = (run: (...args: unknown[]) => unknown, dispose = vi.fn()): Hosted =>
  Object.assign(async (...args: unknown[]) => run(...args), { dispose, config: { size: 3 }, secret: 1 }) as Hosted;

export const codeOf = async (what: Promise<unknown>): Promise<unknown> =>
  what.then(
    () => 'nothing was thrown',
    (error: unknown) => (error instanceof HeedError ? error.code : error),
  );
