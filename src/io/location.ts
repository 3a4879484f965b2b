/** A path or URL as messages show it. */
export { shown } from '../errors.js';
