/** The folder of the project: main.mjs, which bundles the bench into bench/.cache, says where it is. */
export const root = process.env.HEED_BENCH_ROOT ?? process.cwd();
