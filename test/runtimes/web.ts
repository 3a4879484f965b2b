/** What the mains of browsers share. */

export interface WebInput {
  readonly threads: boolean;
  readonly relaxed: boolean;
  readonly hosted: boolean;
  readonly folders: readonly string[];
  /** The site that takes the result, where it is not the origin. */
  readonly site?: string | undefined;
  readonly args: unknown;
}

/** Runs, and sends the result or the failure to the site. */
export async function report({ site }: Pick<WebInput, 'site'>, run: () => Promise<unknown>): Promise<void> {
  const outcome = await run().then(
    (value) => ({ value }),
    (error: unknown) => ({ failure: error instanceof Error ? `${error}\n${error.stack}` : String(error) }),
  );
  await fetch(new URL('/results', site ?? location.href), { method: 'POST', body: JSON.stringify(outcome) });
}

/** Tells the site which check begins. Nothing waits for that, nor fails by it. */
export function beginner({ site }: Pick<WebInput, 'site'>): (check: string) => void {
  return (check) => void fetch(new URL('/at', site ?? location.href), { method: 'POST', body: check }).catch(() => {});
}
