/** All paths. */
import { attention } from './attention.js';
import { transcriptions, translations } from './audio.js';
import { chat } from './chat.js';
import { completions } from './completions.js';
import { embeddings } from './embeddings.js';
import { health, list, metrics, one } from './models.js';
import { descriptionOf } from './openapi.js';
import { page } from './page.js';
import { responses } from './responses.js';
import type { Route } from './route.js';
import { run, runList } from './runs.js';
import { classify, rerank, translate } from './texts.js';

export const routes: readonly Route[] = [
  ...[chat, completions, responses, embeddings, rerank, classify, translate, attention, transcriptions, translations],
  ...[list, one, runList, run, health, metrics, ...page],
  {
    method: 'get',
    path: '/openapi.json',
    summary: 'Describes all paths',
    answer: ({ models }) => Response.json(descriptionOf(described, models)),
  },
];

/** What programs ask for. */
const described = routes.filter((route) => !(route.method === 'get' && route.isPage));
