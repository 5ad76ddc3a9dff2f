// `npm run l10n`: collects every sentence of the extension into l10n/bundle.l10n.json.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './ensure.mjs';
import { sentences } from '../test/support/l10n.ts';

const all = Object.fromEntries(sentences().map((sentence) => [sentence, sentence]));
writeFileSync(
  path.join(root, 'l10n', 'bundle.l10n.json'),
  `${JSON.stringify(all, undefined, 2)}\n`,
);
