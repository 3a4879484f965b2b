/** Answers that come in pieces: server-sent events. */
import type { Call } from './call.js';

/** Sends an event: data, and the event's name where it has one. */
export type Send = (data: unknown, event?: string) => void;

const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };

/** Milliseconds after which a stream that says nothing says that it lives: proxies close connections that are silent for a minute, and a long prompt may take longer. */
const SILENCE = 15_000;
/** A line that every client of such streams passes over. */
const COMMENT = ': still at work\n\n';

/**
 * Streams what `produce` sends, from its first event on: what fails before rejects, and gets a status of its own; what fails later is the last event. A stream without events for
 * `silence` milliseconds begins, or goes on, with a comment. The request ends with the stream; a client that stops reading aborts it.
 */
export function eventStream(call: Call, produce: (send: Send) => Promise<void>, silence = SILENCE): Promise<Response> {
  const encoder = new TextEncoder();
  return new Promise((resolve, reject) => {
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const begin = () => {
      const start = (own: NonNullable<typeof controller>) => {
        controller = own;
      };
      const cancel = () => {
        controller = undefined;
        call.leave();
      };
      call.isStreaming = true;
      resolve(new Response(new ReadableStream({ start, cancel }), { headers }));
    };
    const write = (text: string) => {
      if (!call.isStreaming) begin();
      controller?.enqueue(encoder.encode(text));
    };
    let isSilent = true;
    const timer = setInterval(() => {
      if (isSilent) write(COMMENT);
      isSilent = true;
    }, silence);
    call.atEnd(() => clearInterval(timer));
    const send: Send = (data, event) => {
      isSilent = false;
      const text = typeof data === 'string' ? data : JSON.stringify(data);
      write(`${event === undefined ? '' : `event: ${event}\n`}data: ${text}\n\n`);
    };
    const run = async () => {
      try {
        await produce(send);
      } catch (thrown) {
        if (!call.isStreaming) return reject(thrown);
        send(call.fail(thrown));
      }
      call.end();
      controller?.close();
    };
    void run();
  });
}
