/** Numbers of bytes as readable text. */
const units = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Size in powers of 1000, as disks and networks are sold: 24.1 MB. */
export function size(bytes: number): string {
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
