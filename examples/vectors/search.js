/** Finds paragraphs of a folder by meaning, in one file of SQLite. `node search.js add FOLDER`, then `node search.js find "a question"` */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pipeline } from 'heed';
import { load } from 'sqlite-vec';

const [verb, given = ''] = process.argv.slice(2);
const { MODEL = 'sentence-transformers/all-MiniLM-L6-v2', DB = 'vectors.db' } = process.env;
const embed = await pipeline('feature-extraction', MODEL);
const db = new DatabaseSync(DB, { allowExtension: true });
load(db);

/** A vector as sqlite-vec reads it: the bytes of its float32. */
const bytesOf = (vector) => new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
/** Vectors of texts, [B, C], one by one. */
const rowsOf = ({ data, dims: [B, C] }) => Array.from({ length: B }, (_, b) => bytesOf(data.subarray(b * C, (b + 1) * C)));

/** Vectors of another model cannot be compared: a file has those of the model that it began with. */
function expectModel() {
  db.exec('CREATE TABLE IF NOT EXISTS model (name TEXT)');
  const { name } = db.prepare('SELECT name FROM model').get() ?? {};
  if (name === undefined) db.prepare('INSERT INTO model VALUES (?)').run(MODEL);
  else if (name !== MODEL) throw new Error(`${DB} has vectors of ${name}, and not of ${MODEL}: name another file in DB`);
}

async function add(folder) {
  const { dims } = await embed.encode(['']);
  db.exec(`
    CREATE TABLE IF NOT EXISTS paragraphs (id INTEGER PRIMARY KEY, file TEXT, text TEXT, UNIQUE (file, text));
    CREATE VIRTUAL TABLE IF NOT EXISTS vectors USING vec0 (id INTEGER PRIMARY KEY, vector FLOAT[${dims[1]}] distance_metric=cosine);`);
  const known = db.prepare('SELECT 1 FROM paragraphs WHERE file = ? AND text = ?');
  const write = db.prepare('INSERT INTO paragraphs (file, text) VALUES (?, ?)');
  const store = db.prepare('INSERT INTO vectors (id, vector) VALUES (?, ?)');
  const files = (await readdir(folder, { recursive: true })).filter((name) => /\.(md|txt)$/.test(name));
  let count = 0;
  for (const file of files.sort()) {
    const paragraphs = (await readFile(join(folder, file), 'utf8')).split(/\n\s*\n/).map((text) => text.trim());
    const texts = [...new Set(paragraphs)].filter((text) => text && !known.get(file, text));
    if (!texts.length) continue;
    const vectors = rowsOf(await embed.encode_document(texts));
    // A file is there with all of its vectors, or not at all.
    db.exec('BEGIN');
    // Ids of vec0 are 64 bits wide: a JavaScript number would be a float.
    for (const [i, text] of texts.entries()) store.run(BigInt(write.run(file, text).lastInsertRowid), vectors[i]);
    db.exec('COMMIT');
    count += texts.length;
  }
  console.log(`${count} new paragraphs`);
}

async function find(question) {
  const [vector] = rowsOf(await embed.encode_query([question]));
  const nearest = db.prepare(`
    SELECT 1 - distance AS score, file, text FROM vectors JOIN paragraphs USING (id)
    WHERE vector MATCH ? AND k = 3 ORDER BY distance`);
  for (const { score, file, text } of nearest.all(vector))
    console.log(`${score.toFixed(4)} ${file}: ${text.replace(/\s+/g, ' ').slice(0, 80)}`);
}

const verbs = { add, find };
if (!Object.hasOwn(verbs, verb)) throw new Error('Say add FOLDER, or find QUESTION');
expectModel();
await verbs[verb](given);
db.close();
process.exit();
