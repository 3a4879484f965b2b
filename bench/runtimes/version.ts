/** The version of the runtime that this runs in, as far as it tells. */

interface Globals {
  Deno?: { version: { deno: string; v8: string } };
  Bun?: { version: string };
  process?: { versions?: { node?: string; v8?: string } };
  navigator?: { userAgent?: string };
}

export function versionHere(): string {
  const { Deno, Bun, process, navigator } = globalThis as Globals;
  if (Deno) return `Deno ${Deno.version.deno} (V8 ${Deno.version.v8})`;
  if (Bun) return `Bun ${Bun.version}`;
  const { node, v8 } = process?.versions ?? {};
  if (node) return `Node ${node} (V8 ${v8})`;
  const agent = navigator?.userAgent ?? 'unknown';
  // Browsers say no more than their major version.
  const [, name, major] = /(Chrome|Firefox)\/(\d+)/.exec(agent) ?? [];
  return name ? `${name} ${major}` : agent;
}
