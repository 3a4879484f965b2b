/** Errors of the server as its clients see them: an HTTP status, and a body in the shape of OpenAI's API. */
import { type ErrorCode, HeedError } from '../errors.js';

/** Members of an error beside its status and message. */
interface ApiErrorDetails {
  /** Kind of error, as OpenAI names it. Default: by the status. */
  type?: string | undefined;
  /** Field of the request at fault. */
  param?: string | null | undefined;
  /** Word for programs. */
  code?: string | null | undefined;
  /** Seconds after which the request may be made again. */
  retryAfter?: number | undefined;
  /** Further headers of the answer. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Error that caused this one. */
  cause?: unknown;
}

/** Characters of an error's message, and of the name of the field at fault. */
const [LONGEST_MESSAGE, LONGEST_PARAM] = [1000, 200];

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  429: 'rate_limit_error',
  499: 'client_closed_request',
  500: 'server_error',
  503: 'server_error',
  504: 'timeout_error',
};

/** Failure of a request. */
export class ApiError extends Error {
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
  /** Headers of the answer. */
  readonly headers: Record<string, string>;

  constructor(
    /** HTTP status. */
    readonly status: number,
    message: string,
    { type, param = null, code = null, retryAfter, headers, cause }: ApiErrorDetails = {},
  ) {
    super(message, { cause });
    this.name = 'ApiError';
    this.type = type ?? types[status] ?? 'invalid_request_error';
    this.param = param;
    this.code = code;
    this.headers = { ...headers, ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) };
  }

  /** Body of the answer. */
  toJSON(): { error: { message: string; type: string; param: string | null; code: string | null } } {
    const { type, code } = this;
    // Names that a stranger made up may be of any length.
    const [message, param] = [this.message.slice(0, LONGEST_MESSAGE), this.param?.slice(0, LONGEST_PARAM) ?? null];
    return { error: { message, type, param, code } };
  }
}

/** Statuses of heed's errors while a request is answered. What else they are is the server's fault, and the client learns no more. */
const statuses: Partial<Record<ErrorCode, number>> = {
  ARGUMENT: 400,
  SHAPE: 400,
  DTYPE: 400,
  UNSUPPORTED: 400,
  FORMAT: 400,
  NUMERIC: 400,
  MEMORY: 503,
  ENGINE_LOST: 503,
};

/** Fields of a request by the options of heed that they become. */
export type FieldNames = Readonly<Record<string, string>>;

/** Fields of most paths. */
const fields: FieldNames = {
  max_new_tokens: 'max_tokens',
  stop_strings: 'stop',
  conversation: 'messages',
  input_ids: 'messages',
  texts: 'input',
};

/** Failure that a client is told of, whatever was thrown. `own`: names of a path that has others than most. */
export function apiErrorOf(error: unknown, own: FieldNames = {}): ApiError {
  if (error instanceof ApiError) return error;
  const hidden = (status: number, message: string) => new ApiError(status, message, { cause: error });
  if (!(error instanceof HeedError)) return hidden(500, 'The server failed to answer');
  const status = statuses[error.code] ?? 500;
  if (status === 500) return hidden(500, 'The server failed to answer');
  if (error.code === 'ENGINE_LOST') return hidden(503, 'The engine was lost; the next request starts another');
  const retryAfter = status === 503 ? 1 : undefined;
  const param = status === 400 && error.culprit !== undefined ? (own[error.culprit] ?? fields[error.culprit] ?? error.culprit) : null;
  const isLong =
    ['input_ids', 'max_new_tokens', 'prompt'].includes(error.culprit ?? '') || (error.code === 'SHAPE' && error.culprit === 'conversation');
  const code = isLong ? 'context_length_exceeded' : error.code === 'UNSUPPORTED' ? 'unsupported_parameter' : null;
  return new ApiError(status, error.message, { param, code, retryAfter, cause: error });
}
