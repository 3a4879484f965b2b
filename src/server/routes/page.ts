/** GET / and the files that it asks for: the page, where the server has one. */
import { ApiError } from '../errors.js';
import { pageFile, pageFiles } from '../page.js';
import type { Route } from './route.js';

export const page: readonly Route[] = (Object.keys(pageFiles) as (keyof typeof pageFiles)[]).map((name) => {
  const path = name === 'index.html' ? '/' : `/page/${name}`;
  return {
    method: 'get',
    path,
    isOpen: true,
    isPage: true,
    summary: name === 'index.html' ? 'Gives the page that people open' : `Gives the page’s ${name}`,
    produces: [pageFiles[name].split(';')[0] as string],
    answer({ settings }) {
      if (settings.page) return pageFile(name);
      throw new ApiError(404, `There is no ${path}: this server has no page`, { code: 'not_found' });
    },
  };
});
