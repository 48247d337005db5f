import { instant, NO_LIFECYCLE, partitionNumber } from '@tasker/core'
import { GroupCommit } from '@tasker/server/internal/engine/group-commit'
import { TemplateCatalog } from '@tasker/server/internal/engine/template-catalog'
import type { RegisterAnswer } from '@tasker/server/internal/engine/api'
import { verifyChain } from '@tasker/server/internal/log/commit-hash'
import { type MemoryLog, memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import type { EventLog } from '@tasker/server/internal/log/port'
import { schemaCheck } from '@tasker/server/internal/templates/json-schema'
import { expect, test } from 'vitest'
import { gate, SHOP, Switchboard, templateText } from '../../../support/engine.js'
import { settled, VirtualClock } from '../../../support/virtual-clock.js'

interface Shelf {
  readonly clock: VirtualClock
  readonly log: MemoryLog
  readonly faults: Switchboard
  readonly commits: GroupCommit
  readonly catalog: TemplateCatalog
  /** Registers, and gives the answers that came so far. */
  readonly register: (content: string, replace?: boolean) => RegisterAnswer[]
}

const PARTITION_COUNT = 2

const shelf = async (): Promise<Shelf> => {
  const clock = new VirtualClock()
  const faults = new Switchboard()
  const log = memoryLog({ partitionCount: PARTITION_COUNT, faults })
  const commits = new GroupCommit(
    log,
    clock,
    { batchCommitsMax: 10, batchCharsMax: 1_000_000 },
    {
      acknowledged: () => undefined,
      flushed: () => undefined,
      failed: () => undefined,
      partitionLost: () => undefined,
      logAvailable: () => undefined,
    },
  )
  for (let n = 0; n < PARTITION_COUNT; n++) commits.own(await log.acquire(partitionNumber(n), 'a', instant(1)))
  const catalog = catalogOn(log, clock, commits)
  const register = (content: string, replace = false): RegisterAnswer[] => {
    const answers: RegisterAnswer[] = []
    catalog.register({ content, replace, actor: 'tester' }, (answer) => answers.push(answer))
    return answers
  }
  return { clock, log, faults, commits, catalog, register }
}

const catalogOn = (log: EventLog, clock: VirtualClock, commits: GroupCommit, environment?: string): TemplateCatalog =>
  new TemplateCatalog(log, clock, commits, schemaCheck(), environment, NO_LIFECYCLE, () => undefined)

const reloaded = async ({ log, clock, commits }: Shelf, environment?: string): Promise<TemplateCatalog> => {
  const catalog = catalogOn(log, clock, commits, environment)
  await catalog.load()
  return catalog
}

const ONE = templateText('order', [{ name: 'a' }])
const OTHER = templateText('order', [{ name: 'b' }])
const NEXT = templateText('order', [{ name: 'a' }], '1.1.0')

test('a template is found once it is durable, by its version or as the latest, also after a restart', async () => {
  const made = await shelf()
  const answers = made.register(ONE)
  expect(made.catalog.find(SHOP, 'order', undefined)).toBeUndefined()
  await settled()
  made.register(NEXT)
  await settled()
  expect(answers).toMatchObject([{ type: 'registered', replaced: false }])
  for (const catalog of [made.catalog, await reloaded(made)]) {
    expect(catalog.find(SHOP, 'order', '1.0.0')?.content).toBe(ONE)
    expect(catalog.find(SHOP, 'order', undefined)?.version).toBe('1.1.0')
    expect(catalog.all()).toHaveLength(2)
  }
})

test('the same content again changes nothing; other content is a conflict that shows the difference, or a replacement', async () => {
  const made = await shelf()
  made.register(ONE)
  await settled()
  const before = made.log.all().length
  expect(made.register(ONE)).toMatchObject([{ type: 'unchanged' }])
  const [conflict] = made.register(OTHER)
  if (conflict?.type !== 'failed') throw new Error('no conflict')
  expect(conflict.fault).toMatchObject({ code: 'CONFLICT' })
  expect(conflict.fault.hint).toContain('the difference is')
  expect(made.log.all()).toHaveLength(before)
  const replaced = made.register(OTHER, true)
  await settled()
  expect(replaced).toMatchObject([{ type: 'registered', replaced: true }])
  expect((await reloaded(made)).find(SHOP, 'order', '1.0.0')?.content).toBe(OTHER)
})

test('the plan of replaced content stays, for the tasks that run by it', async () => {
  const made = await shelf()
  made.register(ONE)
  await settled()
  const hash = made.catalog.find(SHOP, 'order', '1.0.0')?.hash
  if (hash === undefined) throw new Error('not registered')
  made.register(OTHER, true)
  await settled()
  expect(made.catalog.planOf(hash)?.steps[0]?.name).toBe('a')
  expect((await reloaded(made)).planOf(hash)?.steps[0]?.name).toBe('a')
})

test('a registration that rests on one that is on its way is answered with it, whatever else the log is busy with', async () => {
  const made = await shelf()
  const passing = gate()
  made.faults.append = async () => {
    await passing.passed
    return { type: 'delivered' }
  }
  const first = made.register(ONE)
  const same = made.register(ONE)
  const other = made.register(OTHER)
  await settled()
  expect([first, same, other]).toEqual([[], [], []])
  const busy = gate()
  passing.open()
  made.faults.append = async () => {
    await busy.passed
    return { type: 'delivered' }
  }
  made.register(NEXT)
  made.register(templateText('elsewhere', [{ name: 'a' }]))
  await settled()
  expect(first).toMatchObject([{ type: 'registered' }])
  busy.open()
  await settled()
  expect(same).toMatchObject([{ type: 'unchanged' }])
  expect(other).toMatchObject([{ type: 'failed', fault: { code: 'CONFLICT' } }])
})

test('the same content as a replacement on its way is answered with the new record, not with the old one', async () => {
  const made = await shelf()
  made.register(ONE)
  await settled()
  const replaced = made.register(OTHER, true)
  const same = made.register(OTHER)
  await settled()
  expect(replaced).toMatchObject([{ type: 'registered' }])
  expect(same).toMatchObject([{ type: 'unchanged', record: { content: OTHER } }])
})

test('a registration that the log does not take leaves no trace; the ones behind it are told, and the next one goes on from the log', async () => {
  const made = await shelf()
  made.register(ONE)
  await settled()
  let refusing = true
  made.faults.append = (rows) =>
    refusing && rows.some(({ commit }) => commit.firstVersion === 2) ? { type: 'refused', message: 'no' } : { type: 'delivered' }
  const second = made.register(NEXT)
  const third = made.register(templateText('order', [{ name: 'a' }], '1.2.0'))
  await settled()
  expect(second).toMatchObject([{ type: 'failed', fault: { reason: 'COMMIT_REFUSED' } }])
  expect(third).toMatchObject([{ type: 'failed', fault: { reason: 'OWNERSHIP_LOST' } }])
  refusing = false
  const again = made.register(templateText('order', [{ name: 'a' }], '1.3.0'))
  await settled()
  expect(again).toMatchObject([{ type: 'registered' }])
  const stream = made.log.all().filter((commit) => commit.stream.kind === 'template')
  expect(stream.map(({ firstVersion }) => firstVersion)).toEqual([1, 2])
  expect(verifyChain(stream)).toMatchObject({ type: 'intact' })
  expect((await reloaded(made)).all().map(({ version }) => version)).toEqual(['1.0.0', '1.3.0'])
})

test('a document that cannot be read, and a template with problems, are refused with all of them', async () => {
  const made = await shelf()
  expect(made.register('a: [')).toMatchObject([{ type: 'failed', fault: { reason: 'TEMPLATE_UNREADABLE' } }])
  expect(
    made.register(
      templateText('order', [
        { name: 'a', after: ['x'] },
        { name: 'b', after: ['y'] },
      ]),
    ),
  ).toMatchObject([{ type: 'failed', fault: { reason: 'TEMPLATE_INVALID', message: 'the template has 2 problems' } }])
})

test('who asks for a template that is not there hears what there is', async () => {
  const made = await shelf()
  expect(made.catalog.resolve(SHOP, 'order', undefined)).toMatchObject({ hint: 'namespaces with templates: none' })
  made.register(ONE)
  await settled()
  expect(made.catalog.resolve(SHOP, 'order', '2.0.0')).toMatchObject({ hint: 'versions of shop/order: 1.0.0' })
  expect(made.catalog.resolve(SHOP, 'other', undefined)).toMatchObject({ hint: 'templates of namespace shop: order 1.0.0' })
})

test('under an environment the plan has its overrides and a hash of its own, which every later server knows, whatever its environment', async () => {
  const made = await shelf()
  const environments = {
    production: { steps: [{ name: 'ALL', timeout_seconds: 7 }] },
    staging: { steps: [{ name: 'a', timeout_seconds: 9 }] },
    idle: {},
  }
  made.register(templateText('order', [{ name: 'a' }], '1.0.0', { environments }))
  await settled()
  const planUnder = async (environment: string | undefined) => {
    const record = (await reloaded(made, environment)).find(SHOP, 'order', '1.0.0')
    if (record === undefined) throw new Error('not registered')
    return record
  }
  const [plain, production, staging, idle] = [
    await planUnder(undefined),
    await planUnder('production'),
    await planUnder('staging'),
    await planUnder('idle'),
  ]
  expect(new Set([plain.hash, production.hash, staging.hash, idle.hash]).size).toBe(1)
  expect([plain, production, staging].map(({ plan }) => plan.steps[0]?.timeoutMs)).toEqual([5_000, 7_000, 9_000])
  expect([plain.plan.hash, idle.plan.hash]).toEqual([plain.hash, plain.hash])
  expect(new Set([plain.plan.hash, production.plan.hash, staging.plan.hash]).size).toBe(3)
  for (const environment of [undefined, 'production', 'other']) {
    const later = await reloaded(made, environment)
    for (const { plan } of [plain, production, staging]) {
      expect(later.planOf(plan.hash)?.steps[0]?.timeoutMs).toBe(plan.steps[0]?.timeoutMs)
      expect(later.planOf(plan.hash)?.hash).toBe(plan.hash)
    }
  }
})
