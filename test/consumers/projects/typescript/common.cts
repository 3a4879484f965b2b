/** A CommonJS file in TypeScript: `module: nodenext` knows that Node can require what does not await. */
import { createEngine, type EngineInfo } from 'heed';

export const info = async (): Promise<EngineInfo> => (await createEngine()).info;
