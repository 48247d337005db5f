// What a definition registers, and what it refuses while it is made.
import { validateTemplate, type Json } from '@tasker/core'
import { defineFunction, defineTask } from '@tasker/sdk'
import { expect, test } from 'vitest'
import { z } from 'zod'

const options = { namespace: 'shop', version: '1.2.3', description: 'One order', input: z.object({ orderId: z.string() }) }

test('the template has the format of the YAML files', () => {
  const order = defineTask('order', options)
    .step('validate', () => ({ total: 1 }))
    .step(
      'charge',
      {
        after: ['validate'],
        timeout: '1500ms',
        heartbeat: '5s',
        scheduleToStart: '1m',
        scheduleToClose: '1h',
        description: 'Takes the money',
        retry: {
          retryable: true,
          maxAttempts: 5,
          backoff: 'fibonacci',
          backoffBase: '2s',
          maxBackoff: '1m',
          jitter: 0,
          nonRetryableErrors: ['CARD_REFUSED'],
        },
      },
      () => null,
    )
  expect(order.template()).toMatchObject({
    name: 'order',
    namespace_name: 'shop',
    version: '1.2.3',
    description: 'One order',
    dependency_scope: 'direct',
    input_schema: { type: 'object', required: ['orderId'] },
    steps: [
      { name: 'validate', handler: { callable: 'order@1.2.3/validate' }, dependencies: [] },
      {
        name: 'charge',
        description: 'Takes the money',
        handler: { callable: 'order@1.2.3/charge' },
        dependencies: ['validate'],
        retry: { retryable: true, max_attempts: 5, backoff: 'fibonacci', backoff_base_ms: 2_000, max_backoff_ms: 60_000 },
        jitter: 0,
        non_retryable_errors: ['CARD_REFUSED'],
        timeout_seconds: 1.5,
        heartbeat_seconds: 5,
        schedule_to_start_seconds: 60,
        schedule_to_close_seconds: 3_600,
      },
    ],
  })
})

test('priorities, turns and keys are those of the YAML files, at the task and at its steps', () => {
  const order = defineTask('order', {
    ...options,
    priority: 10,
    fairnessKey: '${context.tenant}',
    concurrency: { key: 'all', limit: 100 },
    rateLimit: { key: 'all', limit: 5, per: '1m' },
  }).step(
    'a',
    {
      priority: -3,
      concurrency: { key: 'tenant-${context.tenant}', limit: 2 },
      rateLimit: { key: 'api', limit: 10, per: '500ms' },
    },
    () => 1,
  )
  expect(order.template()).toMatchObject({
    priority: 10,
    fairness_key: '${context.tenant}',
    concurrency: { key: 'all', limit: 100 },
    rate_limit: { key: 'all', limit: 5, per: 60 },
    steps: [
      {
        priority: -3,
        concurrency: { key: 'tenant-${context.tenant}', limit: 2 },
        rate_limit: { key: 'api', limit: 10, per: 0.5 },
      },
    ],
  })
  expect(validateTemplate(JSON.parse(JSON.stringify(order.template())) as Json)).toMatchObject({ type: 'valid' })
})

test('the server’s validation takes every template that the builder makes', () => {
  const order = defineTask('order', options)
    .step('a', () => 1)
    .step('b', { after: ['a'], timeout: '250ms', retry: { maxAttempts: 2, jitter: 0.5 } }, () => 2)
    .step('c', { after: ['a', 'b'], retry: { retryable: false, backoff: 'none' } }, () => 3)
  const check = validateTemplate(JSON.parse(JSON.stringify(order.template())) as Json)
  expect(check).toMatchObject({ type: 'valid', warnings: [] })
})

test('identity and the schemas of results are part of the template', () => {
  const result = z.object({ receipt: z.string() })
  const identity = { strategy: 'callerProvided', window: '1h', whileRunning: true } as const
  const order = defineTask('order', { ...options, identity }).step('charge', { result }, () => ({ receipt: 'r' }))
  expect(order.template()).toMatchObject({
    identity_strategy: 'caller_provided',
    identity: { window_seconds: 3_600, while_running: true },
    steps: [{ name: 'charge', result_schema: { type: 'object', required: ['receipt'] } }],
  })
  expect(defineTask('order', { ...options, identity: { strategy: 'strict' } }).template()).not.toHaveProperty('identity')
  const check = validateTemplate(JSON.parse(JSON.stringify(order.template())) as Json)
  expect(check).toMatchObject({
    type: 'valid',
    template: { identity: { strategy: 'caller_provided', windowMs: 3_600_000, whileRunning: true } },
  })
})

test('the schema of a batch’s result is its workers’, not that of the ranges', () => {
  const result = z.object({ rows: z.number() })
  const order = defineTask('order', options).batch(
    'import',
    { result },
    (context) => context.batches([]),
    () => ({ rows: 1 }),
  )
  expect(order.template().steps.map(({ name, result_schema }) => [name, result_schema !== undefined])).toEqual([
    ['split_import', false],
    ['import', true],
  ])
})

test('a schema of a result that nobody could check is refused', () => {
  const order = defineTask('order', options).step('a', { result: z.object({ big: z.bigint() }) }, () => ({ big: 1n }))
  expect(() => order.template()).toThrow(/cannot be told as JSON Schema/)
})

test('a schema that has no JSON Schema is checked by the client and the worker alone', () => {
  const input = z.object({ at: z.custom<Date>() }).transform((value) => value)
  const task = defineTask('order', { ...options, input: z.object({ big: z.bigint() }) }).step('a', () => null)
  expect(task.template().input_schema).toBeUndefined()
  expect(
    defineTask('order', { ...options, input })
      .step('a', () => null)
      .template().name,
  ).toBe('order')
})

test('a definition that was extended is left as it was', () => {
  const base = defineTask('order', options).step('a', () => 1)
  const one = base.step('b', { after: ['a'] }, () => 2)
  const other = base.step('c', { after: ['a'] }, () => 3)
  expect([base, one, other].map((task) => task.steps.map((step) => step.name))).toEqual([['a'], ['a', 'b'], ['a', 'c']])
})

test('names that cannot be, steps that wait for themselves, and durations that are none are refused', () => {
  expect(() => defineTask('', options)).toThrow(/1 to 255/)
  expect(() => defineTask('order', options).step('x'.repeat(256), () => 1)).toThrow(/1 to 255/)
  const after: string[] = ['b']
  const base = defineTask('order', options).step('a', () => 1)
  // @ts-expect-error the names are not known to the compiler
  expect(() => base.step('b', { after }, () => 1)).toThrow(/waits for itself/)
  // @ts-expect-error no duration
  const late = base.step('b', { timeout: 'soon' }, () => 1)
  expect(() => late.template()).toThrow(/not a duration/)
})

const decided = defineTask('order', options)
  .step('check', () => 1)
  .decision('choose', { after: ['check'], branches: ['auto', 'manager'], timeout: '5s' }, ({ route }) => route('auto'))
  .step('auto', { after: ['choose'] }, () => 2)

test('decisions and batches have the types, the names and the limits that the server reads', () => {
  const order = decided
    .step('manager', { after: ['choose'] }, () => 3)
    .batch(
      'parts',
      { after: ['auto'], size: 10, maxWorkers: 5, parallelism: 2, failureStrategy: 'isolate', retry: { maxAttempts: 4 } },
      ({ noBatches }) => noBatches(),
      () => 4,
    )
    .step('one', { after: ['manager'] }, () => 5)
    .step('close', { after: ['one', 'auto'] }, () => 6)
    .step('total', { after: ['parts'] }, () => 7)
  const steps = order.template().steps
  expect(Object.fromEntries(steps.map(({ name, type }) => [name, type]))).toEqual({
    check: undefined,
    choose: 'decision',
    auto: undefined,
    manager: undefined,
    split_parts: 'batchable',
    parts: 'batch_worker',
    one: undefined,
    close: 'deferred_convergence',
    total: 'deferred_convergence',
  })
  expect(steps.find(({ name }) => name === 'split_parts')).toMatchObject({
    handler: {
      callable: 'order@1.2.3/split_parts',
      initialization: { worker_template_name: 'parts', batch_size: 10, max_workers: 5 },
    },
    dependencies: ['auto'],
  })
  expect(steps.find(({ name }) => name === 'parts')).toMatchObject({
    batch_config: { parallelism: 2, failure_strategy: 'isolate' },
    dependencies: ['split_parts'],
    retry: { max_attempts: 4 },
  })
  expect(validateTemplate(JSON.parse(JSON.stringify(order.template())) as Json)).toMatchObject({ type: 'valid', warnings: [] })
})

test('a branch that no step behind the decision has is refused when the definition is used', () => {
  expect(() => decided.template()).toThrow(/choose of order may choose manager/)
  expect(() => decided.step('manager', { after: ['check'] }, () => 3).template()).toThrow(/which is no step that waits for it/)
  expect(decided.step('manager', { after: ['choose'] }, () => 3).template().steps).toHaveLength(4)
})

test('a step may be a durable function, with its own input or what expressions make of it', () => {
  const approval = defineFunction(
    'approval',
    { namespace: 'shop', version: '2.0.0' },
    (_, { total }: { total: number }) => total > 5,
  )
  const order = defineTask('order', options)
    .step('price', () => ({ total: 7 }))
    .step('ask', { after: ['price'], input: { total: '${deps.price.total}' }, timeout: '1d' }, approval)
    .step('again', { after: ['ask'] }, approval)
  expect(order.template().steps.slice(1)).toEqual([
    {
      name: 'ask',
      type: 'function',
      handler: { callable: 'approval@2.0.0', initialization: { total: '${deps.price.total}' } },
      dependencies: ['price'],
      timeout_seconds: 86_400,
    },
    { name: 'again', type: 'function', handler: { callable: 'approval@2.0.0' }, dependencies: ['ask'] },
  ])
  expect(validateTemplate(JSON.parse(JSON.stringify(order.template())) as Json).type).toBe('valid')
  const foreign = defineFunction('approval', { namespace: 'elsewhere', version: '1.0.0' }, () => 1)
  expect(() => defineTask('order', options).step('ask', {}, foreign)).toThrow('is a function of the namespace elsewhere')
})
