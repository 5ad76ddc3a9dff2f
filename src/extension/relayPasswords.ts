/** Passwords of relays: asked for when a relay wants one, kept in the editor's secret storage. */
import * as v from 'valibot';
import * as vscode from 'vscode';
import { CrocError } from '../core/index.js';
import { shortAddress } from './address.js';

/** One secret holds them all, by relay, so that all can be forgotten at once. */
const KEY = 'croc.relayPasswords';
const schema = v.record(v.string(), v.string());

/** What the core is told. */
export type RelayPassword = { readonly relayPassword?: string };

/** The passwords that this person has given. */
export class RelayPasswords {
  readonly #secrets: vscode.SecretStorage;

  constructor(secrets: vscode.SecretStorage) {
    this.#secrets = secrets;
  }

  /**
   * Does something with a relay. When the relay wants a password, or another than the one that is known, the
   * person is asked, and `use` runs again; a password that was right is kept.
   *
   * @param relay - its address; undefined when it is not known before
   * @throws CrocError `cancelled` when the person leaves, and what `use` throws
   */
  async using<T>(
    relay: string | undefined,
    use: (password: RelayPassword) => PromiseLike<T>,
  ): Promise<T> {
    if (relay === undefined) return use({});
    let password = (await this.#all())[relay];
    for (;;) {
      try {
        const result = await use(password === undefined ? {} : { relayPassword: password });
        if (password !== undefined) await this.#keep(relay, password);
        return result;
      } catch (thrown) {
        const error = CrocError.from(thrown);
        if (error.code !== 'relay_password') throw error;
        password = await askPassword(relay, password !== undefined);
      }
    }
  }

  /** Forgets every password. */
  async forget(): Promise<void> {
    await this.#secrets.delete(KEY);
  }

  async #keep(relay: string, password: string): Promise<void> {
    const all = await this.#all();
    if (all[relay] === password) return;
    await this.#secrets.store(KEY, JSON.stringify({ ...all, [relay]: password }));
  }

  async #all(): Promise<Readonly<Record<string, string>>> {
    const stored = v.safeParse(schema, JSON.parse((await this.#secrets.get(KEY)) ?? '{}'));
    return stored.success ? stored.output : {};
  }
}

/** @param refused - whether one was given and is not right @throws CrocError `cancelled` */
async function askPassword(relay: string, refused: boolean): Promise<string> {
  const { t } = vscode.l10n;
  const address = shortAddress(relay);
  const password = await vscode.window.showInputBox({
    title: t('Relay Password'),
    prompt: refused
      ? t('This is not the password of {0}. Ask whoever runs it.', address)
      : t('The relay {0} wants a password. Whoever runs it can tell you.', address),
    password: true,
    ignoreFocusOut: true,
  });
  if (password === undefined || password === '') throw new CrocError('cancelled');
  return password;
}
