/** The hash of the kernels' sources; the build passes it to asc (`--use HEED_BUILD=…`). This file is for editors only. */
declare const HEED_BUILD: i32;
