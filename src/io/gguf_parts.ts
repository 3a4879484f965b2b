/** Pattern of the names of split GGUF files. Separate from their reader, which bundles may do without. */
const SPLIT = /-(\d{5})-of-(\d{5})\.gguf$/i;

/** Most files of a split. */
const MOST = 1024;

/** Names of all files of a split, by the name of one of them; a file that is not split stands alone. */
export function partNames(file: string): readonly string[] {
  const count = Number(SPLIT.exec(file)?.[2] ?? 0);
  if (count < 1 || count > MOST) return [file];
  const five = (number: number) => String(number).padStart(5, '0');
  return Array.from({ length: count }, (_, i) => file.replace(SPLIT, `-${five(i + 1)}-of-${five(count)}.gguf`));
}
