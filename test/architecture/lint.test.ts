/** The linter's rules fire: each violation is planted in a tree that is laid out as the project is. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ESLint } from 'eslint'
import { expect, test } from 'vitest'
import { fromRoot, inPlantedTree, projectRoot } from './tree.js'

const PLANTED_BODY_LINES = 80
const PLANTED_FILE_LINES = 401

const numbered = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n')

/** What is planted, and the rule that must find it. */
const plants: readonly { readonly rule: string; readonly at: string; readonly text: string }[] = [
  {
    rule: '@typescript-eslint/no-floating-promises',
    at: 'server/src/engine/floats.ts',
    text: 'export const go = (work: () => Promise<void>): void => {\n  work()\n}\n',
  },
  {
    rule: '@typescript-eslint/no-floating-promises',
    at: 'server/src/engine/voids.ts',
    text: 'export const go = (work: () => Promise<void>): void => {\n  void work()\n}\n',
  },
  {
    rule: '@typescript-eslint/no-misused-promises',
    at: 'server/src/engine/misuses.ts',
    text: 'export const go = (work: () => Promise<boolean>): number => (work() ? 1 : 2)\n',
  },
  {
    rule: '@typescript-eslint/switch-exhaustiveness-check',
    at: 'core/src/task/forgets.ts',
    text: "export const f = (x: 'a' | 'b'): number => {\n  switch (x) {\n    case 'a':\n      return 1\n  }\n  return 0\n}\n",
  },
  {
    rule: 'no-restricted-syntax',
    at: 'core/src/task/lumps.ts',
    text: "export const f = (x: 'a' | 'b'): number => {\n  switch (x) {\n    case 'a':\n      return 1\n    default:\n      return 0\n  }\n}\n",
  },
  {
    rule: '@typescript-eslint/no-explicit-any',
    at: 'core/src/task/any.ts',
    text: 'export const f = (x: any): number => 1\n',
  },
  {
    rule: '@typescript-eslint/no-non-null-assertion',
    at: 'core/src/task/asserts.ts',
    text: 'export const f = (x: string | undefined): string => x!\n',
  },
  {
    rule: '@typescript-eslint/consistent-type-imports',
    at: 'core/src/task/imports-value.ts',
    text: "import { Kind } from './kind.js'\nexport const f = (x: Kind): Kind => x\n",
  },
  { rule: 'no-restricted-syntax', at: 'core/src/task/enum.ts', text: 'export enum Kind {\n  A,\n}\n' },
  { rule: 'no-restricted-syntax', at: 'core/src/task/default.ts', text: 'export default 1\n' },
  { rule: 'no-restricted-syntax', at: 'core/src/task/everything.ts', text: "export * from './kind.js'\n" },
  {
    rule: 'no-restricted-syntax',
    at: 'core/src/task/casts-twice.ts',
    text: 'export const f = (x: number): string => x as unknown as string\n',
  },
  {
    rule: 'no-restricted-syntax',
    at: 'server/src/engine/inherits.ts',
    text: 'class Base {}\nexport class Derived extends Base {\n  readonly name = 1\n}\n',
  },
  { rule: 'no-restricted-syntax', at: 'core/src/task/reads-date.ts', text: 'export const now = (): Date => new Date()\n' },
  {
    rule: 'no-restricted-syntax',
    at: 'core/src/task/waits.ts',
    text: 'export const f = async (x: Promise<number>): Promise<number> => await x\n',
  },
  { rule: 'no-restricted-properties', at: 'core/src/task/reads-clock.ts', text: 'export const now = (): number => Date.now()\n' },
  {
    rule: 'no-restricted-properties',
    at: 'core/src/task/rolls-dice.ts',
    text: 'export const dice = (): number => Math.random()\n',
  },
  { rule: 'no-restricted-globals', at: 'core/src/task/reads-env.ts', text: 'export const f = (): unknown => process.env\n' },
  { rule: 'no-restricted-globals', at: 'core/src/task/sleeps.ts', text: 'export const f = (): unknown => setTimeout(f, 1)\n' },
  { rule: 'no-restricted-globals', at: 'core/src/task/logs.ts', text: "export const f = (): unknown => console.log('x')\n" },
  {
    rule: 'no-restricted-imports',
    at: 'core/src/task/reads-files.ts',
    text: "import { readFileSync } from 'node:fs'\nexport const f = readFileSync\n",
  },
  { rule: 'no-console', at: 'server/src/engine/prints.ts', text: "export const f = (): void => console.log('x')\n" },
  {
    rule: 'max-lines-per-function',
    at: 'server/src/engine/long-function.ts',
    text: `export const f = (): void => {\n${numbered(PLANTED_BODY_LINES, (index) => `  f${index}()`)}\n}\n`,
  },
  {
    rule: 'max-lines',
    at: 'server/src/engine/long-file.ts',
    text: `${numbered(PLANTED_FILE_LINES, (index) => `export const c${index} = ${index}`)}\n`,
  },
]

const WELL_WRITTEN = `/** Says what is left. */
export type Left = { readonly type: 'none' } | { readonly type: 'some'; readonly count: number }

export const leftOf = (left: Left): number => {
  switch (left.type) {
    case 'none':
      return 0
    case 'some':
      return left.count
  }
}
`

const ground: Readonly<Record<string, string>> = {
  'tsconfig.base.json': readFileSync(join(projectRoot, 'tsconfig.base.json'), 'utf8'),
  'core/tsconfig.json': readFileSync(join(projectRoot, 'core/tsconfig.json'), 'utf8'),
  // The planted server needs no library, so it asks for no types of one.
  'server/tsconfig.json': JSON.stringify({ extends: '../tsconfig.base.json', include: ['src'] }),
  'core/src/task/kind.ts': "export type Kind = 'a'\n",
  'core/src/task/left.ts': WELL_WRITTEN,
}

test('every planted violation is found by its rule, and the clean file stays clean', async () => {
  const files = { ...ground, ...Object.fromEntries(plants.map(({ at, text }) => [at, text])) }
  const found = await inPlantedTree(files, async (root) => {
    const eslint = new ESLint({ cwd: root, overrideConfigFile: join(projectRoot, 'eslint.config.js') })
    const results = await eslint.lintFiles(['core/src', 'server/src'])
    return results.flatMap((result) =>
      result.messages.map(({ ruleId }) => `${ruleId ?? 'broken'}: ${fromRoot(root, result.filePath)}`),
    )
  })
  expect(plants.map(({ rule, at }) => `${rule}: ${at}`).filter((line) => !found.includes(line))).toEqual([])
  expect(found.filter((line) => line.endsWith('left.ts') || line.startsWith('broken'))).toEqual([])
})
