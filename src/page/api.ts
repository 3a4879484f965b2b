/** The server's paths as functions, over any backend. */
import type { Backend } from './backend.js';

/** A model, and what it is for. */
export interface Model {
  readonly id: string;
  readonly task: string;
}

/** Failure that the user is told of. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** Word for what is wrong. */
    readonly code?: string | null,
  ) {
    super(message);
  }
}

interface Problem {
  readonly error?: { readonly message?: string; readonly code?: string | null };
}

async function expectGood(response: Response): Promise<Response> {
  if (response.ok) return response;
  const { error } = (await response.json().catch(() => ({}))) as Problem;
  throw new Refused(response.status, error?.message ?? `The server answered with the status ${response.status}`, error?.code);
}

/** Passes a failure on; where nobody answers, browsers say so in few words of their own: 'Failed to fetch', 'network error'. */
function expectAnswered(error: unknown, message: string): never {
  throw error instanceof TypeError ? new Error(message, { cause: error }) : error;
}

export class Api {
  constructor(readonly backend: Backend) {}

  /** Asks a path, with a body or without, and reads the JSON that it answers with. */
  async ask<T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    return (await this.#answer(path, body, signal)).json() as Promise<T>;
  }

  async models(): Promise<readonly Model[]> {
    return (await this.ask<{ data: readonly Model[] }>('v1/models')).data;
  }

  /** Events of an answer that comes in pieces, as they come. Throws what the last one says where that is an error. */
  async *events<T>(path: string, body: unknown, signal: AbortSignal): AsyncGenerator<T> {
    const response = await this.#answer(path, body, signal);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const next = () => reader?.read().catch((error) => expectAnswered(error, 'The answer broke off: the server has gone away'));
    let text = '';
    for (let part = await next(); part && !part.done; part = await next()) {
      text += part.value;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data === undefined || data === '[DONE]') continue;
        const value: unknown = JSON.parse(data);
        const { error } = value as Problem;
        if (error) throw new Refused(500, error.message ?? 'The answer broke off');
        yield value as T;
      }
    }
  }

  async #answer(path: string, body: unknown, signal: AbortSignal | undefined): Promise<Response> {
    const asked = this.backend.ask({ path, body, signal });
    return expectGood(await asked.catch((error) => expectAnswered(error, 'Nobody answers: does the server still run?')));
  }
}
