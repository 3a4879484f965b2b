/**
 * Host maths whose result is visible to users. Engines differ in the last bits of float64 sin, cos, exp, pow; rounded to float32 they
 * agree in all but one case in 2^29, and the tables computed from them are the same everywhere.
 */
export const sin = (x: number): number => Math.fround(Math.sin(x));
export const cos = (x: number): number => Math.fround(Math.cos(x));
export const pow = (x: number, y: number): number => Math.fround(x ** y);
export const log = (x: number): number => Math.fround(Math.log(x));
export const exp = (x: number): number => Math.fround(Math.exp(x));
