import {
  LIMITS,
  parseJson,
  PROBLEMS_MAX,
  trustedJson,
  validateTemplate,
  type Json,
  type Template,
  type TemplateCheck,
} from '@tasker/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

type Fields = { readonly [key: string]: Json }

const document = (steps: Json, more: Fields = {}): Fields => ({
  name: 'order',
  namespace_name: 'shop',
  version: '1.0.0',
  steps,
  ...more,
})

const step = (name: string, more: Fields = {}): Fields => ({ name, handler: { callable: `Shop.${name}` }, ...more })

const waiting = (name: string, ...dependencies: readonly string[]): Fields => step(name, { dependencies })

/** `CODE path` of every problem, in the order found. */
const problems = (check: TemplateCheck): readonly string[] =>
  check.type === 'valid' ? [] : check.problems.map(({ code, path }) => `${code} ${path}`)

const warnings = (check: TemplateCheck): readonly string[] => check.warnings.map(({ code, path }) => `${code} ${path}`)

const hints = (check: TemplateCheck): readonly (string | undefined)[] =>
  check.type === 'valid' ? [] : check.problems.map(({ hint }) => hint)

const templateOf = (check: TemplateCheck): Template => {
  if (check.type === 'invalid') throw new Error(JSON.stringify(check.problems))
  return check.template
}

describe('a template that is right', () => {
  test('has everything it does not say filled in', () => {
    expect(templateOf(validateTemplate(document([step('a')])))).toEqual({
      kind: 'graph',
      namespace: 'shop',
      name: 'order',
      version: '1.0.0',
      description: undefined,
      dependencyScope: 'ancestors',
      priority: 0,
      inputSchema: undefined,
      identity: { strategy: 'always_unique', windowMs: undefined, whileRunning: false },
      environments: new Map(),
      environment: undefined,
      lifecycle: { thresholdsMs: {} },
      declared: {},
      steps: [
        {
          name: 'a',
          description: undefined,
          type: 'standard',
          handler: { callable: 'Shop.a', method: 'call', resolver: undefined, initialization: {} },
          dependencies: [],
          retry: {
            retryable: true,
            maxAttempts: 3,
            backoff: 'exponential',
            baseMs: 1_000,
            maxDelayMs: 30_000,
            jitter: 0.15,
            nonRetryableErrors: [],
          },
          timeoutMs: LIMITS.stepTimeoutMsDefault,
          onFailure: 'block',
          join: 'all',
          cancelRemaining: false,
          priority: 0,
          keys: [],
          publishes: [],
        },
      ],
    })
  })

  test('keeps what it says, also under the names of older formats', () => {
    const check = validateTemplate(
      document(
        [
          step('a'),
          {
            name: 'b',
            description: 'second',
            step_type: 'standard',
            depends_on: ['a'],
            handler: { callable: 'Shop.B', method: 'charge', resolver: 'explicit', initialization: { deep: { any: [1, null] } } },
            system_dependency: 'bank',
            timeout_seconds: 1.5,
            retry: { retryable: false, limit: 5, backoff: 'fibonacci', initial_delay: 500, max_delay: 2_000 },
            jitter: 0,
            non_retryable_errors: ['CardStolen'],
          },
        ],
        {
          description: 'an order',
          metadata: { author: 'ada', anything: { goes: true } },
          system_dependencies: { primary: 'shop', secondary: ['bank'] },
          domain_events: [{ name: 'order.placed', schema: { type: 'object' } }],
          input_schema: { type: 'object' },
          identity_strategy: 'always_unique',
          dependency_scope: 'direct',
          priority: -5,
          environments: {},
          loaded_from: '/old/file.yaml',
          task_handler: { callable: 'Old' },
        },
      ),
    )
    const template = templateOf(check)
    expect(template).toMatchObject({
      description: 'an order',
      dependencyScope: 'direct',
      priority: -5,
      inputSchema: { type: 'object' },
    })
    expect(Object.keys(template.declared)).toEqual([
      'metadata',
      'system_dependencies',
      'domain_events',
      'loaded_from',
      'task_handler',
    ])
    expect(template.steps[1]).toEqual({
      name: 'b',
      description: 'second',
      type: 'standard',
      handler: { callable: 'Shop.B', method: 'charge', resolver: 'explicit', initialization: { deep: { any: [1, null] } } },
      dependencies: ['a'],
      retry: {
        retryable: false,
        maxAttempts: 5,
        backoff: 'fibonacci',
        baseMs: 500,
        maxDelayMs: 2_000,
        jitter: 0,
        nonRetryableErrors: ['CardStolen'],
      },
      timeoutMs: 1_500,
      onFailure: 'block',
      join: 'all',
      cancelRemaining: false,
      priority: 0,
      keys: [],
      publishes: [],
    })
    expect(warnings(check)).toEqual([
      'LEGACY_FIELD /steps/1/retry/limit',
      'LEGACY_FIELD /steps/1/retry/initial_delay',
      'LEGACY_FIELD /steps/1/retry/max_delay',
      'LEGACY_FIELD /loaded_from',
      'LEGACY_FIELD /task_handler',
    ])
  })

  test('may leave a field empty, which is the same as not giving it', () => {
    const check = validateTemplate(document([step('a', { dependencies: null, retry: null, when: null })], { lifecycle: null }))
    expect(check.type).toBe('valid')
  })

  test('uses retry numbers outside the usual ranges with a warning, within hard bounds', () => {
    const retry = { max_attempts: 0, backoff_base_ms: 1, max_backoff_ms: 30 * 24 * 3_600_000 }
    const check = validateTemplate(document([step('a', { retry })]))
    expect(templateOf(check).steps[0]?.retry).toMatchObject({ maxAttempts: 0, baseMs: 1, maxDelayMs: 2_592_000_000 })
    expect(warnings(check)).toEqual([
      'UNUSUAL_VALUE /steps/0/retry/max_attempts',
      'UNUSUAL_VALUE /steps/0/retry/backoff_base_ms',
      'UNUSUAL_VALUE /steps/0/retry/max_backoff_ms',
    ])
    const beyond = { max_attempts: 1_001, backoff_base_ms: -1, max_backoff_ms: 30 * 24 * 3_600_000 + 1 }
    expect(problems(validateTemplate(document([step('a', { retry: beyond })])))).toEqual([
      'OUT_OF_RANGE /steps/0/retry/max_attempts',
      'OUT_OF_RANGE /steps/0/retry/backoff_base_ms',
      'OUT_OF_RANGE /steps/0/retry/max_backoff_ms',
    ])
  })
})

describe('fields', () => {
  test.each([null, 'text', 7, true, []] satisfies Json[])('a document that is %j is no template', (value) => {
    expect(problems(validateTemplate(value))).toEqual(['WRONG_TYPE '])
  })

  test('everything that is missing is named at once', () => {
    expect(problems(validateTemplate({ steps: [{}] }))).toEqual([
      'MISSING_FIELD /steps/0',
      'MISSING_FIELD /steps/0',
      'MISSING_FIELD ',
      'MISSING_FIELD ',
      'MISSING_FIELD ',
    ])
  })

  test('an unknown field is refused, with the near one where there is one', () => {
    const check = validateTemplate(document([step('a', { timeout_second: 5, dependson: [] })], { zebra: 1 }))
    expect(problems(check)).toEqual([
      'UNKNOWN_FIELD /steps/0/timeout_second',
      'UNKNOWN_FIELD /steps/0/dependson',
      'UNKNOWN_FIELD /zebra',
    ])
    expect(hints(check)).toEqual(['did you mean "timeout_seconds"?', 'did you mean "depends_on"?', undefined])
  })

  test('keys that every object inherits are unknown fields, not fields', () => {
    const check = validateTemplate(document([step('a')], { constructor: 1, toString: 2 }))
    expect(problems(check)).toEqual(['UNKNOWN_FIELD /constructor', 'UNKNOWN_FIELD /toString'])
    const text =
      '{"__proto__":{"name":"order"},"namespace_name":"shop","version":"1.0.0","steps":[{"name":"a","handler":{"callable":"A"}}]}'
    expect(problems(validateTemplate(parseJson(trustedJson(text))))).toEqual(['UNKNOWN_FIELD /__proto__', 'MISSING_FIELD '])
  })

  test('keys that every object inherits are kept in open maps', () => {
    const initialization = parseJson(trustedJson('{"__proto__":{"a":1},"constructor":2}'))
    const template = templateOf(validateTemplate(document([step('a', { handler: { callable: 'A', initialization } })])))
    expect(JSON.stringify(template.steps[0]?.handler.initialization)).toBe('{"__proto__":{"a":1},"constructor":2}')
  })

  test('two names of one field are refused', () => {
    const both = step('a', {
      type: 'standard',
      step_type: 'standard',
      retry: { limit: 1, max_attempts: 2, jitter: 0 },
      jitter: 0,
    })
    expect(problems(validateTemplate(document([both])))).toEqual([
      'CONFLICTING_FIELDS /steps/0/step_type',
      'CONFLICTING_FIELDS /steps/0/retry/max_attempts',
      'CONFLICTING_FIELDS /steps/0/jitter',
    ])
  })

  test('a value of a wrong type is refused where it stands', () => {
    const check = validateTemplate({
      name: 1,
      namespace_name: ['x'],
      version: 1.5,
      input_schema: [],
      metadata: 'text',
      priority: 1.5,
      steps: [{ name: true, handler: 'A', dependencies: 'a', retry: { retryable: 'yes' }, timeout_seconds: '5' }, null],
    })
    expect(problems(check)).toEqual([
      'WRONG_TYPE /name',
      'WRONG_TYPE /namespace_name',
      'WRONG_TYPE /version',
      'WRONG_TYPE /input_schema',
      'WRONG_TYPE /metadata',
      'WRONG_TYPE /priority',
      'WRONG_TYPE /steps/0/name',
      'WRONG_TYPE /steps/0/handler',
      'WRONG_TYPE /steps/0/dependencies',
      'WRONG_TYPE /steps/0/retry/retryable',
      'WRONG_TYPE /steps/0/timeout_seconds',
      'WRONG_TYPE /steps/1',
    ])
  })

  test('a value outside its bounds is refused where it stands', () => {
    const check = validateTemplate(
      document(
        [
          step(' a', { timeout_seconds: 0, retry: { backoff: 'exponentional', jitter: 1.1 } }),
          step('b\n', { handler: { callable: '' } }),
        ],
        {
          name: 'a/b',
          namespace_name: 'n'.repeat(256),
          version: '1.0',
          priority: 101,
          dependency_scope: 'all',
        },
      ),
    )
    expect(problems(check)).toEqual([
      'OUT_OF_RANGE /name',
      'OUT_OF_RANGE /namespace_name',
      'OUT_OF_RANGE /version',
      'OUT_OF_RANGE /steps/0/name',
      'OUT_OF_RANGE /steps/0/timeout_seconds',
      'OUT_OF_RANGE /steps/0/retry/backoff',
      'OUT_OF_RANGE /steps/0/retry/jitter',
      'OUT_OF_RANGE /steps/1/name',
      'OUT_OF_RANGE /steps/1/handler/callable',
      'OUT_OF_RANGE /priority',
      'OUT_OF_RANGE /dependency_scope',
    ])
    expect(hints(check)).toContain('did you mean "exponential"?')
  })

  test('the short form of a type is answered with the long one', () => {
    const check = validateTemplate(document([step('a', { type: 'deferred' })]))
    expect(hints(check)).toEqual(['did you mean "deferred_convergence"?'])
  })
})

describe('steps and their dependencies', () => {
  test('a template without steps is refused', () => {
    expect(problems(validateTemplate(document([])))).toEqual(['OUT_OF_RANGE /steps'])
  })

  test('a thousand steps are taken, one more is refused', () => {
    const chain = (count: number): Json =>
      Array.from({ length: count }, (_, i) => (i === 0 ? step('s0') : waiting(`s${i}`, `s${i - 1}`)))
    expect(validateTemplate(document(chain(1_000))).type).toBe('valid')
    expect(problems(validateTemplate(document(chain(1_001))))).toEqual(['TOO_MANY_STEPS /steps'])
  })

  test('two steps of one name are refused', () => {
    expect(problems(validateTemplate(document([step('a'), step('b'), step('a')])))).toEqual(['DUPLICATE_STEP /steps/2/name'])
  })

  test('a dependency on no step is refused, with the near one where there is one', () => {
    const check = validateTemplate(document([step('validate'), waiting('charge', 'vaildate', 'ship')]))
    expect(problems(check)).toEqual(['UNKNOWN_DEPENDENCY /steps/1/dependencies/0', 'UNKNOWN_DEPENDENCY /steps/1/dependencies/1'])
    expect(hints(check)).toEqual(['did you mean "validate"?', undefined])
  })

  test('a dependency named twice is refused', () => {
    expect(problems(validateTemplate(document([step('a'), waiting('b', 'a', 'a')])))).toEqual([
      'DUPLICATE_DEPENDENCY /steps/1/dependencies/1',
    ])
  })

  test('a step that waits for itself is refused', () => {
    expect(problems(validateTemplate(document([step('a', { depends_on: ['a'] })])))).toEqual([
      'SELF_DEPENDENCY /steps/0/depends_on/0',
    ])
  })

  test('a cycle is refused with the path around it', () => {
    const check = validateTemplate(document([step('start'), waiting('a', 'start', 'c'), waiting('b', 'a'), waiting('c', 'b')]))
    expect(problems(check)).toEqual(['CYCLE /steps/1/dependencies/1'])
    expect(check).toMatchObject({ problems: [{ message: 'these steps wait for each other: a -> c -> b -> a' }] })
  })

  test('a cycle through all steps is told in one short line', () => {
    const steps = Array.from({ length: 1_000 }, (_, i) => waiting(`s${i}`, `s${(i + 1) % 1_000}`))
    const check = validateTemplate(document(steps))
    expect(problems(check)).toEqual(['CYCLE /steps/0/dependencies/0'])
    const [problem] = check.type === 'invalid' ? check.problems : []
    expect(problem?.message).toMatch(/^these steps wait for each other: s0 -> s1 -> .* -> s19 -> … 980 more -> s0$/)
  })

  test('a random graph without a cycle is taken, whatever the order of its steps', () => {
    const edges = fc.array(fc.tuple(fc.nat(19), fc.nat(19)), { maxLength: 60 })
    fc.assert(
      fc.property(edges, fc.shuffledSubarray([...Array(20).keys()], { minLength: 20 }), (pairs, order) => {
        const before = (node: number): readonly string[] => [
          ...new Set(pairs.filter(([a, b]) => Math.max(a, b) === node && a !== b).map(([a, b]) => `s${Math.min(a, b)}`)),
        ]
        expect(problems(validateTemplate(document(order.map((node) => waiting(`s${node}`, ...before(node))))))).toEqual([])
      }),
      { numRuns: 50 },
    )
  })
})

describe('types of steps', () => {
  const batch = [step('plan', { type: 'batchable' }), step('work', { type: 'batch_worker', dependencies: ['plan'] })]

  test('a decision needs a step before it', () => {
    expect(problems(validateTemplate(document([step('d', { type: 'decision' })])))).toEqual([
      'DECISION_WITHOUT_DEPENDENCY /steps/0/type',
    ])
    expect(problems(validateTemplate(document([step('a'), step('d', { type: 'decision', dependencies: ['a'] })])))).toEqual([])
  })

  test('a convergence needs branches before it', () => {
    const end = step('end', { type: 'deferred_convergence', dependencies: ['work'] })
    expect(problems(validateTemplate(document([...batch, end])))).toEqual([])
    expect(problems(validateTemplate(document([step('work'), end])))).toEqual(['CONVERGENCE_WITHOUT_BRANCH /steps/1/type'])
  })

  test('a batchable step needs the batch worker that it names', () => {
    expect(problems(validateTemplate(document(batch)))).toEqual([])
    expect(problems(validateTemplate(document([step('plan', { type: 'batchable' })])))).toEqual([
      'UNKNOWN_WORKER_TEMPLATE /steps/0/type',
    ])
    const named = step('plan', {
      type: 'batchable',
      handler: { callable: 'P', initialization: { worker_template_name: 'wrok' } },
    })
    const config = step('work', { type: 'batch_worker', dependencies: ['plan'], batch_config: { worker_template: 'plan' } })
    expect(problems(validateTemplate(document([named, config])))).toEqual([
      'UNKNOWN_WORKER_TEMPLATE /steps/0/handler/initialization/worker_template_name',
      'UNKNOWN_WORKER_TEMPLATE /steps/1/batch_config/worker_template',
    ])
  })

  test('a batch has one worker template, and a worker template one batch', () => {
    const worker = (name: string, ...dependencies: readonly string[]) => step(name, { type: 'batch_worker', dependencies })
    const other = step('other', { type: 'batchable', batch_config: { worker_template: 'work' } })
    const ambiguous = [...batch, worker('more', 'plan')]
    expect(problems(validateTemplate(document(ambiguous)))).toEqual(['UNKNOWN_WORKER_TEMPLATE /steps/0/type'])
    expect(problems(validateTemplate(document([...batch, other])))).toEqual(['UNKNOWN_WORKER_TEMPLATE /steps/2/type'])
    expect(problems(validateTemplate(document([step('a'), worker('lonely', 'a')])))).toEqual([
      'UNKNOWN_WORKER_TEMPLATE /steps/1/type',
    ])
    const apart = [step('plan', { type: 'batchable', batch_config: { worker_template: 'work' } }), worker('work')]
    expect(problems(validateTemplate(document(apart)))).toEqual(['UNKNOWN_WORKER_TEMPLATE /steps/0/type'])
  })

  test('the numbers that the server reads out of an analyzer are whole and above 0', () => {
    const wrong = { callable: 'P', initialization: { max_workers: 0, batch_size: '5', anything: { else: true } } }
    expect(problems(validateTemplate(document([step('plan', { type: 'batchable', handler: wrong }), batch[1] ?? {}])))).toEqual([
      'OUT_OF_RANGE /steps/0/handler/initialization/max_workers',
      'OUT_OF_RANGE /steps/0/handler/initialization/batch_size',
    ])
  })

  test('decisions one behind another are bounded, and told before they are', () => {
    const chain = (length: number) =>
      validateTemplate(
        document([
          step('d0'),
          ...Array.from({ length }, (_, n) => step(`d${n + 1}`, { type: 'decision', dependencies: [`d${n}`] })),
        ]),
      )
    expect(warnings(chain(10))).toEqual([])
    expect(warnings(chain(20))).toEqual(['DEEP_DECISIONS /steps/11/type'])
    expect(problems(chain(21))).toEqual(['DECISIONS_TOO_DEEP /steps/21/type'])
  })

  test('a decision with very many branches is told', () => {
    const branches = Array.from({ length: 51 }, (_, n) => step(`b${n}`, { dependencies: ['d'] }))
    const check = validateTemplate(document([step('a'), step('d', { type: 'decision', dependencies: ['a'] }), ...branches]))
    expect(warnings(check)).toEqual(['MANY_BRANCHES /steps/1/type'])
  })
})

describe('the order of steps', () => {
  test('a step may have a priority of its own, within the range', () => {
    expect(templateOf(validateTemplate(document([step('a', { priority: -100 })]))).steps[0]?.priority).toBe(-100)
    expect(problems(validateTemplate(document([step('a', { priority: 101 })])))).toEqual(['OUT_OF_RANGE /steps/0/priority'])
  })
})

describe('keys', () => {
  const keysOf = (more: Record<string, Json>, template: Record<string, Json> = {}) =>
    templateOf(validateTemplate(document([step('a', more)], template))).steps[0]?.keys.map(({ kind, key, limit, perMs }) => ({
      kind,
      text: key.text,
      limit,
      perMs,
    }))

  test('a step may name a concurrency and a rate, and asks for the rate last', () => {
    const keys = keysOf({
      rate_limit: { key: 'api', limit: 10, per: 'minute' },
      concurrency: { key: 'tenant-${context.tenant}', limit: 2 },
    })
    expect(keys).toEqual([
      { kind: 'concurrency', text: 'tenant-${context.tenant}', limit: 2, perMs: undefined },
      { kind: 'rate', text: 'api', limit: 10, perMs: 60_000 },
    ])
    expect(keysOf({ rate_limit: { key: 'api', limit: 1, per: 0.5 } })).toMatchObject([{ perMs: 500 }])
  })

  test("a template's keys are those of each step that has none of its own", () => {
    const template = { concurrency: { key: 'all', limit: 5 } }
    expect(keysOf({}, template)).toMatchObject([{ text: 'all', limit: 5 }])
    expect(keysOf({ concurrency: { key: 'own', limit: 1 } }, template)).toMatchObject([{ text: 'own', limit: 1 }])
  })

  test.each([
    [{ concurrency: { key: 'a', limit: 0 } }, 'OUT_OF_RANGE /steps/0/concurrency/limit'],
    [{ concurrency: { key: 'a', limit: 10_001 } }, 'OUT_OF_RANGE /steps/0/concurrency/limit'],
    [{ concurrency: { key: '', limit: 1 } }, 'OUT_OF_RANGE /steps/0/concurrency/key'],
    [{ concurrency: { limit: 1 } }, 'MISSING_FIELD /steps/0/concurrency'],
    [{ concurrency: { key: '${context.', limit: 1 } }, 'BAD_EXPRESSION /steps/0/concurrency/key'],
    [{ rate_limit: { key: 'a', limit: 1 } }, 'MISSING_FIELD /steps/0/rate_limit'],
    [{ rate_limit: { key: 'a', limit: 1, per: 'fortnight' } }, 'OUT_OF_RANGE /steps/0/rate_limit/per'],
  ] satisfies [Record<string, Json>, string][])('%j is refused with its place', (more, problem) => {
    expect(problems(validateTemplate(document([step('a', more)])))).toEqual([problem])
  })

  test('a fairness key is made of the submission, not of results', () => {
    const fair = (fairness_key: string) => validateTemplate(document([step('a')], { fairness_key }))
    expect(templateOf(fair('${context.tenant}')).fairnessKey?.text).toBe('${context.tenant}')
    expect(problems(fair('${deps.a.tenant}'))).toEqual(['BAD_EXPRESSION /fairness_key'])
    expect(problems(fair('${'))).toEqual(['BAD_EXPRESSION /fairness_key'])
  })
})

test('the times of a step are kept in milliseconds, and none is there that was not given', () => {
  const times = { heartbeat_seconds: 0.5, schedule_to_start_seconds: 60, schedule_to_close_seconds: 3_600 }
  const [timed, plain] = templateOf(validateTemplate(document([step('a', times), step('b')]))).steps
  expect(timed).toMatchObject({ heartbeatMs: 500, scheduleToStartMs: 60_000, scheduleToCloseMs: 3_600_000 })
  expect(plain).toMatchObject({ heartbeatMs: undefined, scheduleToStartMs: undefined, scheduleToCloseMs: undefined })
  expect(problems(validateTemplate(document([step('a', { heartbeat_seconds: 0 })])))).toEqual([
    'OUT_OF_RANGE /steps/0/heartbeat_seconds',
  ])
})

describe('every part of the format', () => {
  test('what says how things are anyway is taken', () => {
    const usual = {
      type: 'standard',
      on_failure: 'block',
      join: 'all',
      cancel_remaining: false,
      priority: 0,
      publishes_events: [],
    }
    expect(problems(validateTemplate(document([step('a', usual)], { lifecycle: {}, environments: {} })))).toEqual([])
  })

  test('a mistake in it is found where it stands', () => {
    const wrong = {
      rate_limit: { key: 'k', limit: 0, per: 'moment' },
      join: 'some',
      publishes_events: ['card.charged'],
      compensate: {},
    }
    const check = validateTemplate(document([step('a', wrong)], { lifecycle: { max_duration_minutes: 50_000 } }))
    expect(problems(check)).toEqual([
      'OUT_OF_RANGE /steps/0/rate_limit/limit',
      'OUT_OF_RANGE /steps/0/rate_limit/per',
      'OUT_OF_RANGE /steps/0/join',
      'WRONG_TYPE /steps/0/publishes_events/0',
      'MISSING_FIELD /steps/0/compensate',
      'OUT_OF_RANGE /lifecycle/max_duration_minutes',
    ])
  })
})

describe('work', () => {
  test('a hopeless document is told up to a limit, and says so', () => {
    const fields = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`nonsense_${i}`, 1]))
    const check = validateTemplate(document([step('a')], fields))
    const found = problems(check)
    expect(found).toHaveLength(PROBLEMS_MAX + 1)
    expect(found.at(-1)).toBe('TOO_MANY_PROBLEMS ')
  })

  test('twice the steps cost twice the reads', () => {
    const reads = (count: number): number => {
      let counted = 0
      const watch = <Value extends object>(value: Value): Value =>
        new Proxy(value, {
          get: (target, key, receiver): unknown => {
            counted++
            return Reflect.get(target, key, receiver)
          },
        })
      const names = (i: number): readonly string[] => Array.from({ length: Math.min(i, 20) }, (_, back) => `s${i - 1 - back}`)
      const steps = Array.from({ length: count }, (_, i) => watch({ ...step(`s${i}`), dependencies: watch(names(i)) }))
      expect(validateTemplate(document(watch(steps))).type).toBe('valid')
      return counted
    }
    const [small, large] = [reads(500), reads(1_000)]
    expect(small).toBeGreaterThan(500)
    expect(large / small).toBeLessThan(2.1)
  })
})

describe('names that no column can keep', () => {
  test.each([
    ['a NUL', 'a\u0000b'],
    ['half a surrogate pair', 'a\ud800'],
  ])('with %s are refused with their place, whole pairs are kept', (_what, name) => {
    expect(problems(validateTemplate(document([step('ok'), step(name)])))).toContain('OUT_OF_RANGE /steps/1/name')
    expect(templateOf(validateTemplate(document([step('a😀')]))).steps[0]?.name).toBe('a😀')
  })
})

describe('a durable function', () => {
  const greet: Fields = { kind: 'function', name: 'greet', namespace_name: 'shop', version: '1.0.0' }

  test('is a template with the one step that runs it', () => {
    const template = templateOf(validateTemplate({ ...greet, description: 'says hello', input_schema: { type: 'object' } }))
    expect(template).toMatchObject({
      kind: 'function',
      namespace: 'shop',
      name: 'greet',
      version: '1.0.0',
      description: 'says hello',
      inputSchema: { type: 'object' },
      steps: [{ name: 'run', handler: { callable: 'greet@1.0.0/run', method: 'call' } }],
    })
  })

  test('tells what it lacks and what it cannot have', () => {
    expect(problems(validateTemplate({ kind: 'function', name: 'a/b', version: 'one' }))).toEqual([
      'OUT_OF_RANGE /name',
      'OUT_OF_RANGE /version',
      'MISSING_FIELD ',
    ])
    const check = validateTemplate({ ...greet, steps: [step('a')], input_schema: [] })
    expect([...problems(check), ...warnings(check)].toSorted()).toEqual(['UNKNOWN_FIELD /steps', 'WRONG_TYPE /input_schema'])
  })

  test('is no graph, and a graph may say that it is one', () => {
    expect(templateOf(validateTemplate(document([step('a')], { kind: 'graph' }))).kind).toBe('graph')
    expect(templateOf(validateTemplate(document([step('a')], { kind: 'graph' }))).declared).toEqual({})
    expect(problems(validateTemplate(document([step('a')], { kind: 'functions' })))).toEqual(['OUT_OF_RANGE /kind'])
  })
})
