/** A request in progress: its signal, which a client that leaves, the deadline and the server's end abort, what is to be done at its end, and what the log says of it. */
import { ApiError, apiErrorOf, type FieldNames } from './errors.js';
import type { RequestLog } from './options.js';
import type { Places } from './places.js';

/** Characters of what the log says of an error. */
const LONGEST = 1000;

/** What became known of a request. */
export type Facts = Pick<RequestLog, 'model' | 'prompt_tokens' | 'completion_tokens' | 'first_token' | 'error' | 'request'>;

export class Call {
  readonly id = `req_${crypto.randomUUID().replaceAll('-', '')}`;
  readonly begin = Date.now();
  readonly facts: Facts = {};
  readonly #stop = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #atEnd: (() => void)[] = [];
  readonly #began = performance.now();
  #ended = false;
  #hasPlaces = false;
  /** HTTP status of the answer, or of what ended it early. */
  status = 200;
  /** What went wrong. */
  failure: ApiError | undefined;
  /** `true` where the answer is a stream, whose end is the request's. */
  isStreaming = false;
  /** Whether the request's body is still to come. */
  #isComing = true;

  constructor(
    readonly request: Request,
    timeout: number,
    /** Fields of the path that have names of their own. */
    readonly names?: FieldNames | undefined,
  ) {
    const expire = () => {
      const late = this.#isComing ? 'The body of the request did not come' : 'The request was not answered';
      this.abort(new ApiError(this.#isComing ? 408 : 504, `${late} within ${timeout} seconds`, { code: 'timeout' }));
    };
    this.#timer = setTimeout(expire, timeout * 1000);
    const leave = () => this.leave();
    if (request.signal.aborted) leave();
    request.signal.addEventListener('abort', leave, { once: true });
    this.atEnd(() => request.signal.removeEventListener('abort', leave));
  }

  /** Aborts the request's work. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Milliseconds since the request came. */
  get milliseconds(): number {
    return Math.round((performance.now() - this.#began) * 10) / 10;
  }

  /** Counts a token that was written; the first one's time is kept. */
  token(): void {
    this.facts.first_token ??= this.milliseconds;
    this.facts.completion_tokens = (this.facts.completion_tokens ?? 0) + 1;
  }

  /** The body is here: what comes late now is the answer. */
  arrived(): void {
    this.#isComing = false;
  }

  /** Remembers what went wrong, and returns what the client is told of it: the reason of an abort rather than what the abort led to. */
  fail(thrown: unknown): ApiError {
    const error = apiErrorOf(this.signal.aborted ? this.signal.reason : thrown, this.names);
    this.failure = error;
    this.status = error.status;
    const { status, message, type, code, param, cause } = error;
    const whole = cause instanceof Error ? `${message}: ${cause.message}` : message;
    // What is said of a refused request may repeat a piece of its text, which the log must not have.
    this.facts.error = (status >= 500 ? whole : [code ?? type, param ?? ''].join(' ').trim()).slice(0, LONGEST);
    return error;
  }

  /** The client has gone. */
  leave(): void {
    this.abort(new ApiError(499, 'The client closed the connection'));
  }

  abort(reason: ApiError): void {
    if (!this.#ended) this.#stop.abort(reason);
  }

  /** Does something at the end of the request, or at once where it has ended. */
  atEnd(what: () => void): void {
    if (this.#ended) what();
    else this.#atEnd.push(what);
  }

  /** Takes places of a model until the end of the request, once. Rejects with 429, 400, or the reason of an abort. */
  async take(places: Places, count = 1): Promise<void> {
    if (this.#hasPlaces) return;
    this.atEnd(await places.take(count, this.signal));
    this.#hasPlaces = true;
  }

  /** Ends the request. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    for (const what of this.#atEnd.splice(0)) what();
  }
}
