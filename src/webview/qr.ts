/** A QR code as one sharp SVG path: dark on white with its quiet zone, whatever the theme. */
import { svg, html, type TemplateResult } from 'lit';
import { encode } from 'uqr';

/** Light modules around the code, as ISO/IEC 18004 asks. */
const QUIET = 4;
/** Whole pixels a module, or its edges would blur. */
const MODULE_PX = 4;

/** @param link - what it says @param label - what it is, for those who do not see it */
export function qrCode(link: string, label: string): TemplateResult {
  const { data, size } = encode(link, { ecc: 'M', border: QUIET });
  const path = data
    .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')))
    .join('');
  const width = size * MODULE_PX;
  return html`
    <svg
      class="qr"
      role="img"
      aria-label=${label}
      width=${width}
      height=${width}
      viewBox="0 0 ${size} ${size}"
      shape-rendering="crispEdges"
    >
      ${svg`<rect width=${size} height=${size} fill="#fff"></rect><path d=${path} fill="#000"></path>`}
    </svg>
  `;
}
