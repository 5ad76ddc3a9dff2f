/** How far it is: the whole, the files under way, and the rate over time. */
import { html, nothing, svg, type TemplateResult } from 'lit';
import type { PanelProgress, PanelView } from './messages.js';

type Part = TemplateResult | typeof nothing;

const GRAPH_WIDTH = 240;
const GRAPH_HEIGHT = 40;

/** The rate as a line with its area below; the highest point touches the top. */
function graph({ graph: given }: PanelProgress): Part {
  if (given === undefined || given.points.length < 2) return nothing;
  const { points, label, top } = given;
  const most = Math.max(...points, 1);
  const step = GRAPH_WIDTH / (points.length - 1);
  const line = points
    .map((rate, index) => {
      const y = GRAPH_HEIGHT - 1 - (rate / most) * (GRAPH_HEIGHT - 2);
      return `${(index * step).toFixed(1)} ${y.toFixed(1)}`;
    })
    .join('L');
  return html`
    <figure class="graph">
      <svg
        role="img"
        aria-label=${label}
        viewBox="0 0 ${GRAPH_WIDTH} ${GRAPH_HEIGHT}"
        preserveAspectRatio="none"
      >
        ${svg`<path class="area" d="M0 ${GRAPH_HEIGHT}L${line}L${GRAPH_WIDTH} ${GRAPH_HEIGHT}Z"></path>
          <path class="line" d="M${line}"></path>`}
      </svg>
      <figcaption class="note" aria-hidden="true">${top}</figcaption>
    </figure>
  `;
}

const bar = (label: string, value: number | undefined): TemplateResult => html`
  <vscode-progress-bar
    aria-label=${label}
    .value=${value}
    ?indeterminate=${value === undefined}
  ></vscode-progress-bar>
`;

function filesUnderWay({ files }: PanelProgress): Part {
  if (files.length === 0) return nothing;
  return html`
    <ul class="active">
      ${files.map(
        (file) => html`
          <li>
            <span class="name">${file.name}</span>
            <span class="detail">${file.detail}</span>
            ${bar(file.name, file.percent)}
          </li>
        `,
      )}
    </ul>
  `;
}

/** The progress of a view; nothing when there is none. */
export function progress({ progress: given, stage }: PanelView): Part {
  if (given === undefined) return nothing;
  return html`
    <section class="progress">
      ${bar(given.label, given.percent)}
      <p class="numbers"><span>${given.left}</span><span>${given.right}</span></p>
      ${given.notes.map((note) => html`<p class="note">${note}</p>`)}
      ${stage === 'paused' ? nothing : filesUnderWay(given)} ${graph(given)}
    </section>
  `;
}
