/** The folder that holds the editor: `CROC_VSCODE_CACHE`, or `.cache/vscode` of the project. */
export function cacheDir(): string;
/** Node's binary and code-server's script inside the cache; they exist when `isInstalled()`. */
export function editorPaths(): { readonly node: string; readonly entry: string };
/** The browser's executable (`CROC_CHROMIUM`, or the first known name on PATH), or undefined. */
export function chromiumPath(): string | undefined;
/** Tells whether the whole editor of the right version stands in the cache. */
export function isEditorInstalled(): boolean;
/** Tells whether both the editor and a browser are there. */
export function isInstalled(): boolean;
/** One sentence why the editor cannot be used on this kind of machine, or undefined if it can. */
export function unsupported(): string | undefined;
/** Installs the editor into the cache unless it is there. Throws an Error with one sentence. */
export function installEditor(): void;
/** Installs Chromium by apt where that is possible. Throws an Error that says what to install. */
export function installChromium(): void;
/** Installs whatever is missing. Throws an Error with one sentence. */
export function install(): void;
/** The executable `name` on PATH, or undefined. */
export function onPath(name: string): string | undefined;
