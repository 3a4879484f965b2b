/** The package's version. Generated into dist. */
export declare const VERSION: string;
