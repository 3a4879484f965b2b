/** The hash of the kernels' sources that this build of the host belongs to; every binary exports its own. Generated into dist. */
export declare const BUILD: number;
/** The package's version. */
export declare const VERSION: string;
