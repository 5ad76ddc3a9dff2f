/** How a view looks. Everything that comes from outside is text or an attribute, never markup. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Action, PanelButton, PanelCopyable, PanelView, Stage } from './messages.js';

type Act = (action: Action) => void;
type Part = TemplateResult | typeof nothing;

const STAGE_ICONS: Record<Stage, string> = {
  waiting: 'broadcast',
  connecting: 'plug',
  running: 'arrow-swap',
  done: 'pass-filled',
  failed: 'error',
  cancelled: 'circle-slash',
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

/** A long code may break, but only after a dash. */
const breakable = (text: string): Part[] =>
  text.split(/(?<=-)/).map((part) => html`${part}<wbr />`);

function copyButton(
  action: Action,
  { copy, copied }: PanelCopyable,
  done: boolean,
  primary: boolean,
  act: Act,
): TemplateResult {
  return html`
    <vscode-button
      ?secondary=${!primary}
      icon=${done ? 'check' : 'copy'}
      data-action=${action}
      @click=${() => {
        act(action);
      }}
      >${done ? copied : copy}</vscode-button
    >
  `;
}

function meeting(view: PanelView, copied: Action | undefined, act: Act): Part {
  const { code, relay } = view;
  if (code === undefined && relay === undefined) return nothing;
  return html`
    <section class="card meeting">
      ${
        code === undefined
          ? nothing
          : html`
              <h2 id="code-label">${code.label}</h2>
              <div class="copyable">
                <output class="code" aria-labelledby="code-label" tabindex="0"
                  >${breakable(code.text)}</output
                >
                ${copyButton('copy-code', code, copied === 'copy-code', true, act)}
              </div>
              <p class="note">${code.note ?? ''}</p>
            `
      }
      ${
        relay === undefined
          ? nothing
          : html`
              <div class="relay">
                <h2 id="relay-label">${relay.label}</h2>
                <div class="copyable">
                  <output class="address" aria-labelledby="relay-label" tabindex="0"
                    >${relay.text}</output
                  >
                  ${copyButton('copy-relay', relay, copied === 'copy-relay', false, act)}
                </div>
                <p class="note">${relay.note ?? ''}</p>
              </div>
            `
      }
    </section>
  `;
}

const steps = ({ steps: given }: PanelView): Part =>
  given === undefined
    ? nothing
    : html`
        <section>
          <h2>${given.title}</h2>
          <ol>
            ${given.lines.map((line) => html`<li>${line}</li>`)}
          </ol>
        </section>
      `;

const progress = ({ progress: given }: PanelView): Part =>
  given === undefined
    ? nothing
    : html`
        <section class="progress">
          <vscode-progress-bar
            aria-label=${given.label}
            .value=${given.percent}
            ?indeterminate=${given.percent === undefined}
          ></vscode-progress-bar>
          <p class="numbers"><span>${given.left}</span><span>${given.right}</span></p>
          ${given.path === undefined ? nothing : html`<p class="path">${given.path}</p>`}
        </section>
      `;

const list = ({ list: given }: PanelView): Part =>
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
                  <vscode-icon name=${row.icon}></vscode-icon>
                  <span class="name">${row.name}</span>
                  <span class="detail">${row.detail}</span>
                </li>
              `,
            )}
          </ul>
          ${given.notes.map((note) => html`<p class="note">${note}</p>`)}
        </section>
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

/**
 * @param copied - the action whose button says that it has just copied
 * @param act - told of every click
 */
export function page(view: PanelView, copied: Action | undefined, act: Act): TemplateResult {
  return html`
    ${header(view)} ${meeting(view, copied, act)} ${progress(view)} ${steps(view)} ${list(view)}
    <footer>${view.buttons.map((given) => button(given, act))}</footer>
  `;
}
