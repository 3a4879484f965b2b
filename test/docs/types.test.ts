/** The programs of pages type-check. */
import { expect, it } from 'vitest';
import { errorsOf } from './compiler.js';
import { pages } from './pages.js';
import { programOf } from './program.js';

it('every block of JavaScript and TypeScript type-checks, as what stands beneath the blocks above it', () => {
  const programs = pages.flatMap((page) => {
    const program = programOf(page);
    return program === undefined ? [] : [[page.replace(/\.md$/, '.ts'), program]];
  });
  expect(programs.length).toBeGreaterThan(10);
  expect(errorsOf(Object.fromEntries(programs))).toBe('');
});

it('a name that is nowhere, an option that there is not and a result that may be absent are errors on their lines', () => {
  const block = (code: string) => `# A page\n\n\`\`\`js\n${code}\n\`\`\`\n`;
  const page = [
    block("import { AutoModel, pipeline } from 'heed';\nconst model = await AutoModel.from_pretrained('x');"),
    block("import { pipeline } from 'heed/core';\n(await model({ input_ids: [[1]] })).attentions[0];"),
    block("export const embed = await pipeline('feature-extraction', 'x', { dtypes: 'q8' });\nnowhere(embed);"),
  ].join('');
  const program = programOf('page.md', page) as string;
  expect(errorsOf({ 'page.ts': program }).match(/^page\.ts\(\d+/gm)).toEqual(['page.ts(11', 'page.ts(16', 'page.ts(17']);
});
