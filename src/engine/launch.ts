/** Types and helpers that kernels.generated.ts uses: launches of kernels, and the structs that some of them read. */

/** Number of tiles of a launch, and its approximate number of float operations. */
export interface Tiles {
  tiles: number;
  work: number;
}

/** Launch of a kernel, which is named by its number, on tiles `first` to `first + tiles`. */
export interface Launch extends Tiles {
  kernel: number;
  first: number;
  /** Arguments behind the tiles, in order. The first argument of a kernel with scratch memory is its address, which the engine fills in. */
  args: number[];
  /** Bytes of scratch memory of each lane; 0 for none. */
  scratch: number;
}

/**
 * Makes a launch. For a kernel with scratch memory, the first argument is the number of bytes: they are rounded up to whole cache lines, so that no two lanes share
 * one.
 */
export const launchOf = (kernel: number, { tiles, work }: Tiles, args: number[], scratches = false): Launch => ({
  kernel,
  first: 0,
  tiles,
  work,
  args,
  scratch: scratches ? Math.ceil((args[0] as number) / 64) * 64 : 0,
});

/** Words of a struct, which `engine.place` turns into a pointer. */
export type Struct<Name extends string> = readonly number[] & { readonly struct?: Name };

/** Address of a struct. */
export type Pointer<Name extends string> = number & { readonly struct: Name };
