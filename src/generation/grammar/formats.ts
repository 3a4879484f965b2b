/** Strings that JSON Schema's `format` names, as regular expressions of whole strings. Each matches only valid strings of the format; for addresses, the usual ones. */

const [hour, minute] = ['(?:[01]\\d|2[0-3])', '[0-5]\\d'];
const time = `${hour}:${minute}:${minute}(?:\\.\\d{1,9})?(?:Z|[+-]${hour}:${minute})`;
const leap = '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)';
const date = `(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))|${leap}-02-29)`;
const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
// Two hyphens in a row mark labels that are encoded, and a last label that is a number marks an address.
const label = '[A-Za-z0-9]{1,16}(?:-[A-Za-z0-9]{1,16}){0,2}';
const domain = '[A-Za-z]{2,16}';
const hostname = `(?:${label}\\.){0,3}(?:${domain}|[A-Za-z])`;
const local = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,32}";
const n = '\\d{1,4}';
const clock = `T(?:${n}H(?:${n}M(?:${n}S)?)?|${n}M(?:${n}S)?|${n}S)`;
const inPath = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";

export const formats: Readonly<Record<string, string>> = {
  date,
  time,
  'date-time': `${date}T${time}`,
  duration: `P(?:${n}W|(?:${n}Y(?:${n}M(?:${n}D)?)?|${n}M(?:${n}D)?|${n}D)(?:${clock})?|${clock})`,
  uuid: '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}',
  email: `${local}(?:\\.${local})?@(?:${label}\\.){1,3}${domain}`,
  hostname,
  ipv4: `${octet}(?:\\.${octet}){3}`,
  uri: `https?://${hostname}(?::[1-9]\\d{0,3})?(?:/${inPath}*)*(?:\\?(?:${inPath}|[/?])*)?(?:#(?:${inPath}|[/?])*)?`,
};
