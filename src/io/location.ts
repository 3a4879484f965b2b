/** A path or URL as messages show it: without a URL's password and query, since tokens travel in them and messages end up in logs. */
export const shown = (location: string): string => location.replace(/^([a-z][\w+.-]*:\/\/)(?:[^/?#]*@)?([^?#]*).*$/is, '$1$2');
