/** The box at the top: palette, quick picks, input boxes, and the simple file dialog. */
import type { Locator, Page } from 'playwright-core';
import { deadlineMs } from './project.js';
import { until } from './wait.js';

/** The one quick input of a workbench. */
export class QuickInput {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** The box itself, title and list included. */
  get box(): Locator {
    return this.#page.locator('.quick-input-widget');
  }

  /** Where one types. */
  get input(): Locator {
    return this.box.locator('input.input').first();
  }

  /** The rows of the list. */
  get rows(): Locator {
    return this.box.locator('.quick-input-list .monaco-list-row');
  }

  /**
   * Waits until the box asks for `what`: a part of its title, message or placeholder. All boxes are the
   * same element, so this is how a next step is told from the one before.
   */
  async asks(what: RegExp, ms: number = deadlineMs.step): Promise<void> {
    await until(
      async () => (what.test(await this.#question()) ? true : undefined),
      ms,
      `A quick input that asks for ${String(what)}`,
    );
  }

  /** Replaces what stands in the field. */
  async fill(text: string): Promise<void> {
    await this.input.fill(text);
  }

  /** Replaces what stands in the field and accepts it. */
  async submit(text: string): Promise<void> {
    await this.fill(text);
    await this.accept();
  }

  /** Accepts by Enter. */
  async accept(): Promise<void> {
    await this.input.press('Enter');
  }

  /** Leaves by Escape. */
  async cancel(): Promise<void> {
    await this.input.press('Escape');
    await this.box.waitFor({ state: 'hidden' });
  }

  /** Clicks the row with `label`. */
  async pick(label: string | RegExp): Promise<void> {
    await this.rows.filter({ hasText: label }).first().click();
  }

  /** Ticks or unticks the row with `label`. */
  async tick(label: string | RegExp, ticked: boolean): Promise<void> {
    const row = this.rows.filter({ hasText: label }).first();
    await row.getByRole('checkbox').setChecked(ticked);
  }

  /** Presses a button of the title bar (such as Back) or beside the field (such as OK). */
  async press(button: string): Promise<void> {
    await this.box.getByRole('button', { name: button }).first().click();
  }

  /** Answers the simple file dialog with an absolute folder or file; `button` is its open label. */
  async choosePath(file: string, button: string): Promise<void> {
    const ok = this.box.getByRole('button', { name: button, exact: true });
    await ok.waitFor();
    // The dialog lists the folder that it starts in, and with the list it writes that folder into the
    // field, over whatever was typed before.
    await this.rows.getByText('..', { exact: true }).first().waitFor();
    await this.fill(file);
    const closed = async (): Promise<true | undefined> => {
      if (!(await ok.isVisible())) return true;
      await ok.click({ timeout: 2_000 }).catch(() => undefined);
      return undefined;
    };
    await until(closed, deadlineMs.step, `The file dialog for ${file}`, 500);
  }

  /** Everything that says what is asked. */
  async #question(): Promise<string> {
    if (!(await this.box.isVisible())) return '';
    const title = await this.box.locator('.quick-input-title').innerText();
    const message = await this.box.locator('.quick-input-message').innerText();
    const placeholder = (await this.input.getAttribute('placeholder')) ?? '';
    return [title, message, placeholder].join('\n');
  }
}
