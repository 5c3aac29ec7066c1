import js from '@eslint/js'
import tseslint from 'typescript-eslint'

/** The folders of lib/ that the files of each folder must not import: dependencies point one way. */
const FORBIDDEN_IMPORTS = {
  doctor: ['login', 'request', 'sandbox', 'sdk', 'session'],
  util: ['diagnostics', 'doctor', 'errors', 'login', 'oauth', 'request', 'sandbox', 'sdk', 'session'],
  request: ['doctor', 'login', 'sandbox', 'sdk', 'session'],
  oauth: ['doctor', 'login', 'request', 'sandbox', 'sdk', 'session'],
  session: ['doctor', 'login', 'sandbox', 'sdk'],
  login: ['doctor', 'sandbox', 'sdk', 'session'],
  sandbox: ['doctor', 'login', 'request', 'sdk', 'session']
}

function oneWay([folder, forbidden]) {
  const regex = `^(?:\\.\\./)+(?:${forbidden.join('|')})(?:/|$)`
  return {
    files: [`lib/${folder}/**/*.ts`],
    rules: { 'no-restricted-imports': ['error', { patterns: [{ regex, message: `lib/${folder}/ must not depend on it: see "Layout" in CONTRIBUTING.md.` }] }] }
  }
}

export default tseslint.config(
  { ignores: ['**/dist/', 'coverage/', 'docs/api/', 'node_modules/', 'test/package/projects/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.mts', '**/*.cts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // What others throw is passed on as it is.
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'off'
    }
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // Tests name the shape that they expect of an answer.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off'
    }
  },
  {
    files: ['scripts/*.mjs', 'test/mutation/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } }
  },
  {
    files: ['bench/**/*.ts'],
    rules: {
      // The peers' own names for a provider without TLS, which is all that a benchmark has.
      '@typescript-eslint/no-deprecated': 'off'
    }
  },
  {
    files: ['example-app/test/*.ts'],
    rules: {
      // Node's test runner waits for them.
      '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: [{ from: 'package', package: 'node:test', name: ['describe', 'it'] }] }]
    }
  },
  {
    files: ['example-app/public/*.js'],
    languageOptions: { globals: { document: 'readonly', navigator: 'readonly', addEventListener: 'readonly', setTimeout: 'readonly', setInterval: 'readonly', clearInterval: 'readonly' } }
  },
  {
    files: ['lib/**/*.ts'],
    rules: { 'no-console': 'error' }
  },
  {
    files: ['lib/*.ts'],
    ignores: ['lib/index.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [{ regex: '^\\./(?:doctor|sandbox)(?:/|$)', message: 'Nothing depends on the doctor or the sandbox.' }] }] }
  },
  ...Object.entries(FORBIDDEN_IMPORTS).map(oneWay)
)
