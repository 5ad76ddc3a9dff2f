/** How a view looks. Everything that comes from outside is text or an attribute, never markup. */
import { html, nothing, type TemplateResult } from 'lit';
import { meeting } from './meeting.js';
import type { Action, PanelButton, PanelView, Stage } from './messages.js';
import { progress } from './progress.js';

type Act = (action: Action) => void;
type Part = TemplateResult | typeof nothing;

const STAGE_ICONS: Record<Stage, string> = {
  waiting: 'broadcast',
  connecting: 'plug',
  offer: 'inbox',
  running: 'arrow-swap',
  paused: 'debug-disconnect',
  done: 'pass-filled',
  failed: 'error',
  cancelled: 'circle-slash',
  interrupted: 'debug-pause',
  ended: 'history',
};

function stageIcon({ stage, direction }: PanelView): string {
  if (stage !== 'running') return STAGE_ICONS[stage];
  return direction === 'send' ? 'cloud-upload' : 'cloud-download';
}

const header = (view: PanelView): TemplateResult => html`
  <header>
    <span class="badge" aria-hidden="true">
      <vscode-icon name=${stageIcon(view)} size="28"></vscode-icon>
    </span>
    <div>
      <h1>${view.heading}</h1>
      <p class="status">${view.status}</p>
      ${view.hint === undefined ? nothing : html`<p class="hint">${view.hint}</p>`}
    </div>
  </header>
`;

const button = (given: PanelButton, act: Act): TemplateResult => html`
  <vscode-button
    ?secondary=${!given.primary}
    icon=${given.icon}
    data-action=${given.action}
    @click=${() => {
      act(given.action);
    }}
    >${given.label}</vscode-button
  >
`;

const list = ({ list: given }: PanelView, act: Act): Part =>
  given === undefined
    ? nothing
    : html`
        <section>
          <div class="list-title">
            <h2>${given.title}</h2>
            <span>${given.summary}</span>
          </div>
          <ul class="rows">
            ${given.rows.map(
              (row) => html`
                <li>
                  <vscode-icon name=${row.icon} aria-hidden="true"></vscode-icon>
                  <span class="name">${row.name}</span>
                  <span class="detail">${row.detail}</span>
                </li>
              `,
            )}
          </ul>
          ${given.notes.map((note) => html`<p class="note">${note}</p>`)}
          ${
            given.ignored === undefined
              ? nothing
              : html`<p class="ignored">
                  <span>${given.ignored.text}</span>${button(given.ignored.button, act)}
                </p>`
          }
        </section>
      `;

/**
 * @param copied - the action whose button says that it has just copied
 * @param act - told of every click
 */
export function page(view: PanelView, copied: Action | undefined, act: Act): TemplateResult {
  const footer = html`<footer>${view.buttons.map((given) => button(given, act))}</footer>`;
  // What can be done is near what happened; while something goes on, what happens is first.
  const over = view.progress === undefined && view.code === undefined;
  return html`
    ${header(view)} ${over ? footer : nothing} ${meeting(view, copied, act)} ${progress(view)}
    ${list(view, act)} ${over ? nothing : footer}
  `;
}
