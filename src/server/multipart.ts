/**
 * Bodies of the type multipart/form-data (RFC 7578), as browsers and clients write them: parts between lines with a boundary, each with a few headers and a field's value. Readers of
 * runtimes take minutes for a hundred thousand parts.
 */
import { ApiError } from './errors.js';

/** Parts of a form, and characters of a part's headers. Forms have some ten fields. */
const [MOST_PARTS, LONGEST_HEADERS] = [64, 4096];

const fault = (why: string) => new ApiError(400, `The body of the request is no form: ${why}`, { code: 'invalid_form' });

/** The boundary that a content type tells. */
const boundaryOf = (type: string): string | undefined => {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(type) ?? [];
  return quoted ?? plain;
};

/** A parameter of a header, between quotes: browsers write a quote in it as %22, others as \". */
function parameterOf(header: string, name: string): string | undefined {
  const [, value] = new RegExp(`;\\s*${name}="((?:[^"\\\\]|\\\\.)*)"`, 'i').exec(header) ?? [];
  return value?.replace(/\\(["\\])/g, '$1').replace(/%(0A|0D|22)/gi, (code) => decodeURIComponent(code));
}

/** Names and values of a form in their order: texts, and files. Throws 400. The work grows with the bytes alone. */
export function partsOf(bytes: Uint8Array<ArrayBuffer>, type: string): (readonly [name: string, value: string | File])[] {
  const boundary = boundaryOf(type);
  if (boundary === undefined) throw fault('its type tells no boundary');
  // A character for each byte, so that a place in the text is one in the bytes.
  const all = new TextDecoder('latin1').decode(bytes);
  const text = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to));
  const line = `\r\n--${boundary}`;
  const parts: (readonly [string, string | File])[] = [];
  // Before the first line there may be no end of another.
  const first = all.startsWith(line.slice(2)) ? -2 : all.indexOf(line);
  if (first === -1) throw fault('its boundary is not in it');
  let at = first + line.length;
  while (!all.startsWith('--', at)) {
    if (parts.length === MOST_PARTS) throw fault(`it has more than ${MOST_PARTS} parts`);
    const begin = all.slice(at, at + LONGEST_HEADERS).indexOf('\r\n\r\n');
    if (begin < 0) throw fault(`headers of a part have no end within ${LONGEST_HEADERS} characters`);
    const end = all.indexOf(line, at + begin + 2);
    if (end < 0) throw fault('it breaks off within a part');
    const headers = text(at, at + begin).split('\r\n');
    const own = (name: string) => headers.find((header) => header.toLowerCase().startsWith(`${name}:`)) ?? '';
    const disposition = own('content-disposition');
    const [name, file] = [parameterOf(disposition, 'name'), parameterOf(disposition, 'filename')];
    if (name === undefined) throw fault('a part has no name');
    const [from, to] = [at + begin + 4, Math.max(at + begin + 4, end)];
    parts.push([name, file === undefined ? text(from, to) : new File([bytes.subarray(from, to)], file)]);
    at = end + line.length;
  }
  return parts;
}
