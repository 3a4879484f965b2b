/** File access of runtimes that fetch but keep no files: browsers, workerd. */
import { HeedError, shown } from '../errors.js';
import type { Runtime } from './types.js';

const refuse = async (location: string): Promise<never> => {
  throw new HeedError('UNSUPPORTED', `${shown(location)}: there are no files here`, {
    culprit: shown(location),
    cure: 'Keep bytes where this program keeps its data: trainer.save() gives a checkpoint as bytes, and trainer.load(bytes) takes them',
  });
};

export const noStorage: Pick<Runtime, 'exists' | 'writeFile' | 'appendFile' | 'listFolder' | 'removeFile'> = {
  exists: async () => false,
  writeFile: refuse,
  appendFile: refuse,
  listFolder: refuse,
  removeFile: refuse,
};
