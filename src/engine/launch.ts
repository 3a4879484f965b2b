/** What kernels.generated.ts is written with: launches of kernels, and the structs that some of them read. */

/** How a launch is cut, and about how many float operations it is. */
export interface Tiles {
  tiles: number;
  work: number;
}

/** Tiles `first` to `first + tiles` of a kernel, which is named by its number. */
export interface Launch extends Tiles {
  kernel: number;
  first: number;
  /** What follows the tiles, in order. Of a kernel that works in scratch, the first is its address, which the engine puts there. */
  args: number[];
  /** Bytes of scratch that each lane has; 0 for none. */
  scratch: number;
}

/** Of a kernel that works in scratch, the first argument is how many bytes: whole cache lines, so that no two lanes share one. */
export const launchOf = (kernel: number, { tiles, work }: Tiles, args: number[], scratches = false): Launch => ({
  kernel,
  first: 0,
  tiles,
  work,
  args,
  scratch: scratches ? Math.ceil((args[0] as number) / 64) * 64 : 0,
});

/** The words of a struct, which `engine.place` makes a pointer of. */
export type Struct<Name extends string> = readonly number[] & { readonly struct?: Name };

/** The address of a struct. */
export type Pointer<Name extends string> = number & { readonly struct: Name };
