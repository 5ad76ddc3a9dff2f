/** The page in the panel: says it is ready, draws the views it gets, sends back what is clicked. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-icon/index.js';
import '@vscode-elements/elements/dist/vscode-progress-bar/index.js';
import { render } from 'lit';
import { announcer } from './announce.js';
import {
  parseToPage,
  type Action,
  type PanelView,
  type SavedPage,
  type ToExtension,
} from './messages.js';
import { page } from './page.js';

interface VsCodeApi {
  postMessage(message: ToExtension): void;
  setState(state: SavedPage): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

/** How long a button says that it has copied. */
const COPIED_MS = 2000;

function start(): void {
  const root = document.getElementById('page');
  const live = document.getElementById('live');
  if (root === null || live === null) return;
  const vscode = acquireVsCodeApi();
  let shown: PanelView | undefined;
  let copied: Action | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const announce = announcer({
    now: () => performance.now(),
    after: (delayMs, fire) => setTimeout(fire, delayMs),
    say: (sentence) => {
      live.textContent = sentence;
    },
  });
  const act = (action: Action): void => vscode.postMessage({ type: 'action', action });
  const draw = (): void => {
    if (shown === undefined) return;
    document.body.dataset['stage'] = shown.stage;
    render(page(shown, copied, act), root);
  };
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    const message = parseToPage(event.data);
    if (message?.type === 'view') {
      shown = message.view;
      const { id, direction, heading, status, progress } = shown;
      vscode.setState({ version: 2, id, direction, heading });
      announce([heading, status, progress?.left, progress?.right].filter(Boolean).join('. '));
    } else if (message?.type === 'copied') {
      copied = message.action;
      clearTimeout(timer);
      timer = setTimeout(() => {
        copied = undefined;
        draw();
      }, COPIED_MS);
    }
    draw();
  });
  vscode.postMessage({ type: 'ready' });
}

start();
