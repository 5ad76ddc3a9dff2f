/** Every sentence that the extension says to a person, found in its source. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { ERRORS } from '../../src/core/errors.js';
import { projectRoot } from './vscode/project.js';

const FOLDER = path.join(projectRoot, 'src', 'extension');

/** `t('…')`, `l10n.t('…')`, `vscode.l10n.t('…')`. */
function isCallOfT({ expression }: ts.CallExpression): boolean {
  if (ts.isIdentifier(expression)) return expression.text === 't';
  return ts.isPropertyAccessExpression(expression) && /\bl10n\.t$/.test(expression.getText());
}

/** The texts that an argument can be: a literal, or either of a choice; undefined for anything else. */
function textsOf(argument: ts.Expression | undefined): string[] | undefined {
  if (argument === undefined) return undefined;
  if (ts.isStringLiteralLike(argument)) return [argument.text];
  if (!ts.isConditionalExpression(argument)) return undefined;
  const [one, other] = [textsOf(argument.whenTrue), textsOf(argument.whenFalse)];
  return one === undefined || other === undefined ? undefined : [...one, ...other];
}

/** The calls whose sentence is not written there, as `file: argument`. */
export function dynamicCalls(): string[] {
  return collect().dynamic;
}

/** The keys of the bundle, sorted: what is written in calls of `t`, and the texts of the errors. */
export function sentences(): string[] {
  const errors = Object.values(ERRORS).flatMap(({ what, next }) => [what, next]);
  return [...new Set([...collect().found, ...errors])].sort();
}

function collect(): { found: string[]; dynamic: string[] } {
  const found: string[] = [];
  const dynamic: string[] = [];
  for (const name of readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const text = readFileSync(path.join(FOLDER, name), 'utf8');
    const source = ts.createSourceFile(name, text, ts.ScriptTarget.ES2023, true);
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && isCallOfT(node)) {
        const [argument] = node.arguments;
        const texts = textsOf(argument);
        if (texts === undefined) dynamic.push(`${name}: ${argument?.getText() ?? ''}`);
        else found.push(...texts);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return { found, dynamic };
}
