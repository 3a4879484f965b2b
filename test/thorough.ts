/**
 * What `.ci/run` asks for by HEED_THOROUGH, and `npm test` tries a part of: fuzz, soaks and kills, long runs of oracles, every other runtime and bundler. A part is of the same kind, and
 * fails for the same reasons.
 */
export const thorough = Boolean(process.env.HEED_THOROUGH);

/** How many: `all` where everything is asked for. */
export const amount = (all: number, part: number): number => (thorough ? all : part);

/** All of a list, or every fourth, from the first on. */
export const someOf = <T>(all: readonly T[]): readonly T[] => (thorough ? all : all.filter((_, i) => i % 4 === 0));
