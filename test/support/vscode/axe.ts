/** Looks for what keeps people out, with axe-core, in the page of the panel as it is drawn. */
import axe from 'axe-core';
import * as v from 'valibot';
import type { Workbench } from './workbench.js';

const resultSchema = v.array(
  v.object({
    id: v.string(),
    impact: v.nullish(v.string()),
    help: v.string(),
    nodes: v.array(v.object({ html: v.string(), failureSummary: v.optional(v.string()) })),
  }),
);

/** @returns a line for each serious or critical finding in the webview that is shown */
export async function seriousFindings(workbench: Workbench): Promise<string[]> {
  const body = await workbench.webview().locator('body').elementHandle();
  const frame = await body.ownerFrame();
  if (frame === null) throw new Error('There is no panel.');
  // As an expression: the page's own policy lets no script in.
  await frame.evaluate(axe.source);
  const found: unknown = await frame.evaluate(
    'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations)',
  );
  return v
    .parse(resultSchema, found)
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary = '' }) => `${id}: ${help}: ${html} ${failureSummary}`),
    );
}
