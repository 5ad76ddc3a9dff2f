/** What an editor keeps on disk and in the browser, searched for a secret. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Workbench } from '../support/vscode/workbench.js';

/** Everything in the browser's databases and storage of this page, as text. */
function browserStorage(workbench: Workbench): Promise<string> {
  return workbench.page.evaluate(async () => {
    const wait = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(new Error(String(request.error)));
      });
    const text = (value: unknown): string => {
      if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
        return new TextDecoder().decode(value);
      }
      if (typeof value !== 'object' || value === null) return String(value);
      return Object.entries(value)
        .map(([key, inner]) => `${key}: ${text(inner)}`)
        .join('\n');
    };
    const parts = [localStorage, sessionStorage].map((storage) => JSON.stringify(storage));
    for (const { name = '' } of await indexedDB.databases()) {
      const database = await wait(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const found = database.transaction(store).objectStore(store);
        const [keys, values] = await Promise.all([wait(found.getAllKeys()), wait(found.getAll())]);
        parts.push(name, store, text(keys), text(values));
      }
      database.close();
    }
    return parts.join('\n');
  });
}

/**
 * Where `secret` still stands: files of the server's data folder (paths), and `browser` for the
 * storage of the page. `control` is text that must be found, so that the search is known to see.
 */
export async function placesOf(
  workbench: Workbench,
  secret: string,
  control: string,
): Promise<{ readonly secret: readonly string[]; readonly control: readonly string[] }> {
  const places = { secret: new Array<string>(), control: new Array<string>() };
  const look = (place: string, content: Buffer) => {
    for (const [name, words] of [
      ['secret', secret],
      ['control', control],
    ] as const)
      if (content.includes(words, 0, 'utf8') || content.includes(words, 0, 'utf16le'))
        places[name].push(place);
  };
  const root = workbench.server.dataDir;
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    // The installed extension itself knows no secret, and is large.
    if (entry.isFile() && !file.startsWith(path.join(root, 'extensions')))
      look(path.relative(root, file), await contentOf(file));
  }
  look('browser', Buffer.from(await browserStorage(workbench)));
  return places;
}

/** A file's bytes; none when the editor has removed or renamed it meanwhile. */
async function contentOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return Buffer.alloc(0);
    throw error;
  }
}
