/**
 * Names by which a server is asked for. A page of another site may have its own name point at this machine (DNS rebinding): the browser then takes the server for a part of that site,
 * and lets the page read what it answers. What such a page cannot change is the header Host, which has the site's name.
 */

/** Whether an address is one that only the machine itself reaches. */
export const isLoopback = (address: string): boolean => /^(127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)$/i.test(address);

/** An IP address, or a name that browsers never look up. */
const own = /^(\d{1,3}(\.\d{1,3}){3}|\[[\da-f:.]+\]|([\w-]+\.)*localhost)$/i;

/** Says whether a request's header Host may be answered, by a server that listens at `address` and is `allowed` further names; '*' allows all. */
export function hostCheck(address: string, allowed: readonly string[]): (host: string | undefined) => boolean {
  if (allowed.includes('*') || (!isLoopback(address) && !allowed.length)) return () => true;
  const names = new Set(allowed.map((name) => name.toLowerCase()));
  return (host) => {
    // Browsers say it always.
    if (host === undefined) return true;
    const name = host.replace(/:\d*$/, '').toLowerCase();
    return own.test(name) || names.has(name);
  };
}
