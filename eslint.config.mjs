import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  { ignores: ['dist/**', 'node_modules/**', '**/.cache/**', 'test/out/**', '**/*.{js,cjs,mjs}'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: [
          './src/core/tsconfig.json',
          './src/cli/tsconfig.json',
          './src/extension/tsconfig.json',
          './src/webview/tsconfig.json',
          './test/tsconfig.json',
        ],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      eqeqeq: 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'no-console': 'error',
    },
  },
  {
    files: ['test/**'],
    rules: {
      'no-console': 'off',
      'max-lines': 'off',
      // Tables of cases list what a peer does one after another.
      '@typescript-eslint/no-confusing-void-expression': 'off',
    },
  },
);
