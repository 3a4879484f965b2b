/** Counts of tokens in answers. */

/** Tokens of a prompt and of what was written. */
export function usageOf(prompt_tokens: number, written: readonly { readonly tokens: number }[]) {
  const completion_tokens = written.reduce((sum, { tokens }) => sum + tokens, 0);
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}
