/** Text of a path or URL for messages. */
export { shown } from '../errors.js';
