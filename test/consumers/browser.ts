/** Opens consumers' pages in Chromium. */
import { type Browser, chromium } from 'playwright-core';
import { chromiumArgs, chromiumBinary } from '../browser.js';
import type { Answer } from './consumer.js';

declare global {
  /** What a consumer's main.js promises. */
  var result: Promise<Answer | Answer[]> | undefined;
}

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: chromiumBinary ?? '', args: chromiumArgs });

/** Opens a page and waits for its answer. Whatever the page complains of is a failure: the policy's violations are among it. */
export async function answerOf(browser: Browser, url: string): Promise<Answer | Answer[]> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  try {
    await page.goto(url);
    const answer = await page.evaluate(() => globalThis.result).catch((error: Error) => complaints.push(error.message));
    if (!answer || typeof answer === 'number') throw new Error(complaints.join('\n') || 'the page has no result');
    return answer;
  } finally {
    await page.close();
  }
}
