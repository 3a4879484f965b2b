/** Script and style of the page, bundled and minified, and their SHA-256 in base64, which the page's policy names. Generated into dist from page/. */
export declare const assets: Readonly<Record<'script' | 'style', { text: string; sha256: string }>>;
