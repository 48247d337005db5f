/** What the linter keeps: strict type-checked rules everywhere, size limits on sources, purity where no clock or dice may be. */
import tseslint from 'typescript-eslint'

const LINES_A_FILE = 400
const LINES_A_FUNCTION = 70

const sources = [
  'core/src/**/*.ts',
  'server/src/**/*.ts',
  'server/dev-postgres/src/**/*.ts',
  'sdk/*/src/**/*.ts',
  'proto/src/**/*.ts',
]
const pure = ['core/src/**/*.ts', 'sdk/typescript/src/durable/**/*.ts']
const inside = ['server/src/{engine,dispatch,timers,log,projections}/**/*.ts']
const configurations = ['*.config.{js,ts}', '.dependency-cruiser.cjs', 'test/reporter.js', 'test/support/*-setup.ts']

const defaultExport = { selector: 'ExportDefaultDeclaration', message: 'Export by name: a thing has one name everywhere.' }
const shape = [
  { selector: 'ExportAllDeclaration', message: 'Name what is exported: a reader must find where a name is from.' },
  { selector: 'TSEnumDeclaration', message: 'A union of literals says the same and erases.' },
  { selector: 'TSModuleDeclaration:not([declare=true])', message: 'A file is the namespace.' },
  {
    selector: 'TSAsExpression > TSAsExpression.expression',
    message: 'A cast through another type hides what is not true: parse at the wall.',
  },
  {
    selector: 'ClassDeclaration[superClass]:not([superClass.name=/(Error|Fault|StepHandler|EventPublisher)$/])',
    message: 'Extend nothing but Error: give the part a port instead.',
  },
]
/** Inside, what is switched on is a union; at the doors it may be a text from outside. */
const arms = [
  {
    selector: 'SwitchCase[test=null]:not(:has(CallExpression)):not(:has(ThrowStatement))',
    message: 'The last arm ends in `unreachable(x)` or hands the rest on: members that need nothing are named.',
  },
]
const clockAndDice = [
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'Pure code reads no clock: the instant comes in with the command.',
  },
  { selector: 'AwaitExpression', message: 'Pure code does not wait.' },
]

export default tseslint.config(
  {
    ignores: ['**/dist/**', '**/node_modules/**', '**/coverage/**', 'proto/src/gen/**', '.tasker/**'],
  },
  {
    files: ['**/*.{ts,js,cjs}'],
    extends: [tseslint.configs.strictTypeChecked],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['*.config.ts'] }, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `return report(…)` ends a function early in one line, whatever it reports to.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Spreading a text gives its code points, which is what is asked for.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      // An adapter that answers at once is `async` too: it turns what it throws into a rejection, as its port promises.
      '@typescript-eslint/require-await': 'off',
      // `while (true)` with a stop inside is how a pump reads.
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: 'only-allowed-literals' }],
      'no-restricted-syntax': ['error', ...shape, defaultExport],
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-param-reassign': 'error',
    },
  },
  {
    files: sources,
    rules: {
      'max-lines': ['error', { max: LINES_A_FILE, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: LINES_A_FUNCTION, skipBlankLines: true, skipComments: true }],
      'no-console': 'error',
    },
  },
  {
    files: inside,
    rules: { 'no-restricted-syntax': ['error', ...shape, defaultExport, ...arms] },
  },
  {
    files: pure,
    rules: {
      'no-restricted-syntax': ['error', ...shape, defaultExport, ...arms, ...clockAndDice],
      'no-restricted-globals': [
        'error',
        ...['process', 'console', 'fetch', 'performance', 'crypto', 'Buffer', 'require'],
        ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'structuredClone'],
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Pure code reads no clock: the instant comes in with the command.' },
        { object: 'Math', property: 'random', message: 'Pure code rolls no dice: seeds come in with the command.' },
        { object: 'globalThis', message: 'Pure code has no surroundings.' },
      ],
      'no-restricted-imports': ['error', { patterns: [{ regex: '^node:', message: 'Pure code imports no Node built-in.' }] }],
    },
  },
  {
    files: configurations,
    rules: { 'no-restricted-syntax': ['error', ...shape] },
  },
  {
    // Programs that run before anything is built: plain JavaScript, outside every TypeScript project.
    files: ['**/*.{js,cjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: {
      '@typescript-eslint/consistent-type-exports': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': 'off',
      '@typescript-eslint/no-require-imports': 'off',
    },
  },
)
