/** Files in the format of the original, written here: each loads as it is, or is refused with a reason that says what to change. */
import { readFileSync } from 'node:fs'
import { inEnvironment, type Plan } from '@tasker/core'
import { formatProblems, readTemplate } from '@tasker/server/internal/templates/parse'
import { expect, test } from 'vitest'

const reading = (file: string) =>
  readTemplate(readFileSync(new URL(`../../../../test/unit/server/templates/original/${file}`, import.meta.url), 'utf8'))

const loaded = (file: string): { readonly plan: Plan; readonly warnings: readonly string[] } => {
  const read = reading(file)
  if (read.type !== 'valid') throw new Error(formatProblems(file, read.problems))
  return { plan: read.plan, warnings: read.warnings.map(({ code, path }) => `${code} ${path}`) }
}

const refusedFor = (file: string): readonly string[] => {
  const read = reading(file)
  return read.type === 'valid' ? [] : read.problems.map(({ code, line }) => `${line} ${code}`)
}

test('steps in a diamond, with every field they may have, load without a word', () => {
  const { plan, warnings } = loaded('diamond.yaml')
  expect(warnings).toEqual([])
  expect(plan.template).toMatchObject({ namespace: 'billing', name: 'invoice_settlement', version: '1.4.0-rc.1' })
  expect(
    plan.steps.map(({ retry }) => [retry.retryable, retry.maxAttempts, retry.backoff, retry.baseMs, retry.maxDelayMs]),
  ).toEqual([
    [true, 4, 'exponential', 500, 20_000],
    [false, 3, 'exponential', 1_000, 30_000],
    [true, 3, 'fibonacci', 1_000, 30_000],
    [true, 3, 'none', 1_000, 30_000],
  ])
  expect(plan.dependencies).toEqual([[], [0], [0], [1, 2]])
  const inTest = inEnvironment(plan.template, 'test').steps
  expect(inTest.map(({ timeoutMs, retry }) => [timeoutMs, retry.maxAttempts])).toEqual(
    Array.from({ length: 4 }, () => [5_000, 1]),
  )
  expect(inTest[1]?.handler.initialization).toEqual({ gateway: 'sandbox' })
  expect(inEnvironment(plan.template, 'production').steps[1]).toMatchObject({
    timeoutMs: 60_000,
    handler: { initialization: { gateway: 'live' } },
  })
})

test('a batch loads', () => {
  const { plan, warnings } = loaded('batches.yaml')
  expect(warnings).toEqual([])
  expect(plan.steps.map(({ type }) => type)).toEqual(['batchable', 'batch_worker', 'deferred_convergence'])
})

test('a decision loads, also by the other names of its fields', () => {
  const { plan, warnings } = loaded('decision.yaml')
  expect(warnings).toEqual([])
  expect(plan.steps.map(({ type }) => type)).toEqual(['standard', 'decision', 'standard', 'standard', 'deferred_convergence'])
  expect(plan.dependencies).toEqual([[], [0], [1], [1], [2, 3]])
})

test('older names load with a warning each, and numbers outside the usual are used', () => {
  const { plan, warnings } = loaded('legacy.yaml')
  expect(warnings).toEqual([
    'NAMESPACE_TOO_LONG /namespace_name',
    'LEGACY_FIELD /task_handler',
    'LEGACY_FIELD /loaded_from',
    'LEGACY_FIELD /steps/0/retry/limit',
    'UNUSUAL_VALUE /steps/0/retry/limit',
    'LEGACY_FIELD /steps/0/retry/initial_delay',
    'UNUSUAL_VALUE /steps/0/retry/initial_delay',
    'LEGACY_FIELD /steps/0/retry/max_delay',
    'UNUSUAL_VALUE /steps/0/retry/max_delay',
    'UNUSUAL_VALUE /steps/1/retry/max_attempts',
    'ORPHAN_STEP /steps/2',
  ])
  expect(plan.steps[0]?.retry).toMatchObject({ maxAttempts: 0, baseMs: 50, maxDelayMs: 7_200_000 })
  expect(plan.template.identity.strategy).toBe('strict')
})

test('a composition loads; that its handler runs the step is said', () => {
  const { plan, warnings } = loaded('composed.yaml')
  expect(warnings).toEqual(['COMPOSITION_NOT_RUN /steps/0/composition'])
  expect(plan.steps[0]?.handler.callable).toBe('grammar:order_totals')
})

/** What no version can run yet, if anything; once it runs the file must load without a word. */
const loadsOrWaits = (file: string): readonly string[] => {
  const read = reading(file)
  return read.type === 'valid' ? read.warnings.map(({ code }) => code) : read.problems.map(({ code }) => code)
}

test.each(['events.yaml', 'lifecycle.yaml'])('nothing in %s is wrong', (file) => {
  expect(loadsOrWaits(file)).toEqual([])
})

test('what nobody could mean is refused whole, with each place and what to write instead', () => {
  expect(refusedFor('mistaken.yaml')).toEqual([
    '4 OUT_OF_RANGE',
    '7 OUT_OF_RANGE',
    '8 UNKNOWN_FIELD',
    '9 DUPLICATE_STEP',
    '11 UNKNOWN_DEPENDENCY',
    '13 OUT_OF_RANGE',
    '16 WRONG_TYPE',
    '20 UNKNOWN_STEP',
  ])
})
