/** The page of attentions: the explorer, over the weights that are in the page. */
import { codes, decode, type PageData } from '../codes.js';
import { explore } from './explorer.js';
import { Group } from './group.js';
import { readable } from './tokens.js';

const data: PageData = JSON.parse(document.querySelector('#data')?.textContent ?? '');
const tokens = { source: readable(data.tokens.source), target: readable(data.tokens.target) };
const groups = data.groups.map((group) => new Group(group, tokens, () => decode(group.weights, group.code), codes[group.code].show));
explore(document.body, groups, document.title);
