/** How the other side gets in: the code, a QR code of the link, the relay, a command line. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Action, PanelCopyable, PanelView } from './messages.js';
import { qrCode } from './qr.js';

type Act = (action: Action) => void;
type Part = TemplateResult | typeof nothing;

/** What can be copied: where its text is in a view, and the action that copies it. */
const COPIES = { code: 'copy-code', relay: 'copy-relay', command: 'copy-command' } as const;
type Copied = keyof typeof COPIES;

/** A long code may break, but only after a dash. */
const breakable = (text: string): TemplateResult[] =>
  text.split(/(?<=-)/).map((part) => html`${part}<wbr />`);

function copyable(name: Copied, given: PanelCopyable, copied: Action | undefined, act: Act): Part {
  const action = COPIES[name];
  const done = copied === action;
  const label = `${name}-label`;
  return html`
    <div class="copyable ${name}">
      <h2 id=${label}>${given.label}</h2>
      <output class="text" aria-labelledby=${label} tabindex="0"
        >${name === 'code' ? breakable(given.text) : given.text}</output
      >
      <vscode-button
        ?secondary=${name !== 'code'}
        icon=${done ? 'check' : 'copy'}
        data-action=${action}
        @click=${() => {
          act(action);
        }}
        >${done ? given.copied : given.copy}</vscode-button
      >
      ${given.note === undefined ? nothing : html`<p class="note">${given.note}</p>`}
    </div>
  `;
}

const stepsOf = ({ steps }: PanelView): Part =>
  steps === undefined
    ? nothing
    : html`<div class="steps">
        <h2>${steps.title}</h2>
        <ol>
          ${steps.lines.map((line) => html`<li>${line}</li>`)}
        </ol>
      </div>`;

const qrOf = ({ qr }: PanelView): Part =>
  qr === undefined
    ? nothing
    : html`<figure>
        ${qrCode(qr.link, qr.label)}
        <figcaption class="note">${qr.note}</figcaption>
      </figure>`;

/** The part of a view that tells how the other side gets in; nothing when nobody waits for it. */
export function meeting(view: PanelView, copied: Action | undefined, act: Act): Part {
  const { code, relay, command } = view;
  if (code === undefined && relay === undefined) return nothing;
  return html`
    <section class="card meeting">
      ${code === undefined ? nothing : copyable('code', code, copied, act)}
      ${
        relay === undefined
          ? nothing
          : html`<div class="where">
              <div>${copyable('relay', relay, copied, act)} ${stepsOf(view)}</div>
              ${qrOf(view)}
            </div>`
      }
      ${command === undefined ? nothing : copyable('command', command, copied, act)}
    </section>
  `;
}
