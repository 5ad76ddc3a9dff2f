import { describe, expect, it } from 'vitest';
import { foreignText } from '../../src/extension/foreign.js';

describe('text of the other side', () => {
  it.each([
    ['a.txt', 'a.txt'],
    ['[x](command:workbench.action.reloadWindow)', '[x] (command:workbench.action.reloadWindow)'],
    ['](](', '] (] ('],
    ['$(zap) free.exe', '$ (zap) free.exe'],
    ['a\u001b[2Jb', 'a\\u{1b}[2Jb'],
    ['exe\u202efdp', 'exe\\u{202e}fdp'],
  ])('%j is shown as %j', (text, shown) => {
    expect(foreignText(text)).toBe(shown);
  });
});
