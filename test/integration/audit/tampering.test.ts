/** Whoever changes the log is found, and the first place is said: on real PostgreSQL, one row a kind of tampering. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { elementAt } from '@tasker/core'
import type { FindingKind } from '@tasker/server/internal/audit/findings'
import { sealFile } from '@tasker/server/internal/audit/seal-files'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newSealKey } from '../../support/sealed.js'
import { rehash, reseal } from './forgery.js'
import { commitsOfTask, last, type Row, rowAt, SealedLog } from './sealed-log.js'

const key = newSealKey()
const stolen = key
let log: SealedLog
beforeAll(async () => {
  log = await SealedLog.build(key)
})
afterAll(() => log.drop())
beforeEach(() => log.restore())

/** Where things are before they are spoilt. */
interface Scene {
  readonly rows: readonly Row[]
  /** Three commits each under the first and the second seal, and three in the tail. */
  readonly a: readonly Row[]
  readonly b: readonly Row[]
  readonly seals: readonly Row[]
}

const scene = async (): Promise<Scene> => {
  const rows = await log.rows()
  return { rows, a: commitsOfTask(rows, '0-1'), b: commitsOfTask(rows, '0-2'), seals: await log.seals(0) }
}

interface Expected {
  readonly kind: FindingKind
  readonly seq: number
  readonly toSeq?: number
}

/** Spoils the log and says what must be found; undefined when it cannot be. */
type Tampering = (scene: Scene) => Promise<Expected | undefined>

/** The second commit of a task: under the first seal, with a commit before and behind it. */
const second = ({ a }: Scene): Row => elementAt(a, 1, 'the second commit')
const place = ({ partition, seq }: Row): readonly [number, number] => [partition, seq]

const setting =
  (assignment: string, kind: FindingKind = 'changed_commit'): Tampering =>
  async (at) => {
    await log.sql(`update event_commit set ${assignment} where partition = $1 and seq = $2`, place(second(at)))
    return { kind, seq: second(at).seq }
  }

/** Places above one are moved by one. */
const shift = async (partition: number, above: number, by: 1 | -1): Promise<void> => {
  await log.sql('update event_commit set seq = seq + 1000000 where partition = $1 and seq > $2', [partition, above])
  await log.sql('update event_commit set seq = seq - 1000000 + $2 where partition = $1 and seq > 1000000', [partition, by])
}

const swapPlaces = async (one: Row, other: Row): Promise<void> => {
  await log.sql('update event_commit set seq = 1000000 where partition = $1 and seq = $2', place(one))
  await log.sql('update event_commit set seq = $3 where partition = $1 and seq = $2', [...place(other), one.seq])
  await log.sql('update event_commit set seq = $2 where partition = $1 and seq = 1000000', [one.partition, other.seq])
}

const removeFrom = (partition: number, seq: number): Promise<void> =>
  log.sql('delete from event_commit where partition = $1 and seq >= $2', [partition, seq])

/** The places that the first seal covers. */
const firstSeal = { from: 1, to: 13 }
const brokenFirst: Expected = { kind: 'broken_seal', seq: firstSeal.from, toSeq: firstSeal.to }

const columns: Readonly<Record<string, Tampering>> = {
  'the partition is changed': async (at) => {
    const row = second(at)
    await log.sql('update event_commit set partition = 1, seq = 1000 where partition = $1 and seq = $2', place(row))
    return { kind: 'missing_commit', seq: row.seq }
  },
  'the place is changed': async (at) => {
    const row = second(at)
    await log.sql('update event_commit set seq = 1000 where partition = $1 and seq = $2', place(row))
    return { kind: 'missing_commit', seq: row.seq }
  },
  'the kind of stream is changed': setting(`stream_kind = 'key'`, 'broken_chain'),
  'the stream is changed': setting(`stream_id = '0-9'`, 'broken_chain'),
  'the version is changed': setting('first_version = 4', 'broken_chain'),
  'the namespace is changed': setting(`namespace = 'bank'`),
  'the time is changed': setting('at_ms = at_ms + 1'),
  'the actor is changed': setting(`actor = 'bob'`),
  'the worker is changed': setting(`worker = 'w-2'`),
  'the worker is removed': setting('worker = null'),
  'the cause is changed': setting(`cause = 'complete 01K'`),
  'a type is changed': setting(`types = array['step.failed', 'step.started']`),
  'types are cut another way': setting(`types = array['step.completed,step.started']`),
  'the events are changed': setting(`events = replace(events, '"a"', '"z"')`),
  'a blank is put into the events': setting(`events = events || ' '`),
  'the hash is changed': setting(`hash = decode(repeat('00', 32), 'hex')`),
}

const rows: Readonly<Record<string, Tampering>> = {
  'a commit is removed': async (at) => {
    await log.sql('delete from event_commit where partition = $1 and seq = $2', place(second(at)))
    return { kind: 'missing_commit', seq: second(at).seq }
  },
  'a commit is removed and the gap closed': async (at) => {
    await log.sql('delete from event_commit where partition = $1 and seq = $2', place(second(at)))
    await shift(0, second(at).seq, -1)
    return { kind: 'broken_chain', seq: elementAt(at.a, 2, 'the third').seq - 1 }
  },
  'a whole task is removed and the gaps closed': async (at) => {
    for (const row of at.a.toReversed()) {
      await log.sql('delete from event_commit where partition = $1 and seq = $2', place(row))
      await shift(0, row.seq, -1)
    }
    return { ...brokenFirst, toSeq: 11 }
  },
  'a commit is put in between, with a hash that fits': async (at) => {
    await shift(0, second(at).seq, 1)
    await log.sql(
      `insert into event_commit select partition, $3, stream_kind, 'forged', 1, namespace, at_ms, actor, worker, cause, types, events, hash
       from event_commit where partition = $1 and seq = $2`,
      [...place(second(at)), second(at).seq + 1],
    )
    await rehash(log.database.url, 'task', 'forged')
    return brokenFirst
  },
  'a commit is put behind the end, with a hash that does not fit': async (at) => {
    const end = last(at.rows.filter(({ partition }) => partition === 0))
    await log.sql(
      `insert into event_commit select partition, seq + 1, stream_kind, stream_id, first_version + 2, namespace, at_ms, actor, worker, cause,
       types, events, hash from event_commit where partition = $1 and seq = $2`,
      place(end),
    )
    return { kind: 'changed_commit', seq: end.seq + 1 }
  },
  'two commits of one task change places': async (at) => {
    await swapPlaces(elementAt(at.a, 0, 'the first'), second(at))
    return { kind: 'broken_chain', seq: elementAt(at.a, 0, 'the first').seq }
  },
  'two commits of different tasks change places': async (at) => {
    await swapPlaces(second(at), elementAt(at.b, 1, 'the second'))
    return brokenFirst
  },
  'two tasks change their names': async (at) => {
    for (const [from, to] of [
      ['0-1', 'x'],
      ['0-2', '0-1'],
      ['x', '0-2'],
    ])
      await log.sql(`update event_commit set stream_id = $2 where stream_kind = 'task' and stream_id = $1`, [from, to])
    return { kind: 'changed_commit', seq: elementAt(at.a, 0, 'the first').seq }
  },
  'two tasks change their names, and their hashes are made anew': async () => {
    for (const [from, to] of [
      ['0-1', 'x'],
      ['0-2', '0-1'],
      ['x', '0-2'],
    ])
      await log.sql(`update event_commit set stream_id = $2 where stream_kind = 'task' and stream_id = $1`, [from, to])
    for (const id of ['0-1', '0-2']) await rehash(log.database.url, 'task', id)
    return brokenFirst
  },
  'events are changed and the hashes of the stream made anew': async (at) => {
    await setting(`events = '[{"step":"z"},{"step":"b"}]'`)(at)
    await rehash(log.database.url, 'task', '0-1')
    return brokenFirst
  },
  'events under the second seal are changed and the hashes made anew': async (at) => {
    const row = elementAt(at.a, 4, 'a commit under the second seal')
    await log.sql(`update event_commit set events = '[{"step":"z"},{"step":"b"}]' where partition = $1 and seq = $2`, place(row))
    await rehash(log.database.url, 'task', '0-1')
    return { kind: 'broken_seal', seq: firstSeal.to + 1, toSeq: 26 }
  },
  'events in the tail are changed and the hashes made anew: nobody can tell, no seal covers them yet': async (at) => {
    await log.sql(
      `update event_commit set events = '[{"step":"z"},{"step":"b"}]' where partition = $1 and seq = $2`,
      place(last(at.a)),
    )
    await rehash(log.database.url, 'task', '0-1')
    return undefined
  },
}

const seals: Readonly<Record<string, Tampering>> = {
  'a seal is removed': async ({ seals }) => {
    const row = elementAt(seals, 0, 'the first seal')
    await log.sql('delete from event_commit where partition = $1 and seq = $2', place(row))
    return { kind: 'missing_commit', seq: row.seq }
  },
  'the root of a seal is changed': async ({ seals }) => {
    const row = elementAt(seals, 0, 'the first seal')
    const text = `regexp_replace(events, '"root":"[0-9a-f]{64}"', '"root":"' || repeat('0', 64) || '"')`
    await log.sql(`update event_commit set events = ${text} where partition = $1 and seq = $2`, place(row))
    return { kind: 'changed_commit', seq: row.seq }
  },
  'the root of a seal is changed and the hashes made anew': async ({ seals }) => {
    const row = elementAt(seals, 0, 'the first seal')
    const text = `regexp_replace(events, '"root":"[0-9a-f]{64}"', '"root":"' || repeat('0', 64) || '"')`
    await log.sql(`update event_commit set events = ${text} where partition = $1 and seq = $2`, place(row))
    await rehash(log.database.url, 'partition', '0')
    return { kind: 'bad_seal', seq: row.seq }
  },
  'a seal is made unreadable and the hashes made anew': async ({ seals }) => {
    const row = elementAt(seals, 1, 'the second seal')
    await log.sql(`update event_commit set events = '[{"epoch":1}]' where partition = $1 and seq = $2`, place(row))
    await rehash(log.database.url, 'partition', '0')
    return { kind: 'bad_seal', seq: row.seq }
  },
  'everything is made anew with another key': async (at) => {
    await setting(`events = '[{"step":"z"},{"step":"b"}]'`)(at)
    await rehash(log.database.url, 'task', '0-1')
    await reseal(log.database.url, 0, newSealKey())
    return { kind: 'bad_seal', seq: elementAt(at.seals, 0, 'the first seal').seq }
  },
  'everything is made anew with the stolen key: the published seal says so': async (at) => {
    await setting(`events = '[{"step":"z"},{"step":"b"}]'`)(at)
    await rehash(log.database.url, 'task', '0-1')
    await reseal(log.database.url, 0, stolen)
    return { kind: 'unsealed', seq: elementAt(at.seals, 0, 'the first seal').seq }
  },
}

const ends: Readonly<Record<string, Tampering>> = {
  'the log is cut short before its last published seal': async ({ seals }) => {
    const { seq } = last(seals)
    await removeFrom(0, seq - 3)
    return { kind: 'unsealed', seq: seq - 3 }
  },
  'the last published seal itself is cut off': async ({ seals }) => {
    const { seq } = last(seals)
    await removeFrom(0, seq)
    return { kind: 'unsealed', seq }
  },
  'the log is cut short before its last published seal and grows again': async ({ seals }) => {
    const { seq } = last(seals)
    await removeFrom(0, seq - 3)
    const server = await log.server()
    for (let n = 0; n < 12; n++) await server.commit(0, `again-${n}`)
    await server.seal(0)
    await server.die()
    return { kind: 'unsealed', seq }
  },
  'the whole partition is emptied': async () => {
    await removeFrom(0, 1)
    return { kind: 'unsealed', seq: 1 }
  },
  'the log is cut short behind its last published seal: nobody can tell, and the docs say so': async ({ seals }) => {
    await removeFrom(0, last(seals).seq + 1)
    return undefined
  },
}

describe.each([
  ['a column', columns],
  ['a row', rows],
  ['a seal', seals],
  ['the end', ends],
])('tampering with %s:', (_, cases) => {
  test.each(Object.entries(cases))('%s', async (_name, tamper) => {
    const expected = await tamper(await scene())
    const { finding } = await log.verify()
    if (expected === undefined) {
      expect(finding).toBeUndefined()
      return
    }
    const { kind, seq, toSeq } = expected
    expect(finding).toMatchObject({ kind, at: { partition: 0, seq }, ...(toSeq === undefined ? {} : { toSeq }) })
  })
})

describe('an audit', () => {
  test('finds nothing in a log that nobody changed, and counts it', async () => {
    const all = await log.rows()
    const report = await log.verify()
    expect(report).toEqual({ finding: undefined, commits: all.length, seals: 4, unsealed: 2 * 13, next: undefined })
  })

  test('from a place on looks at the rest alone, with what was before it looked up', async () => {
    const all = await log.rows()
    expect(all.filter(({ partition }) => partition === 0)).toHaveLength(39)
    for (let seq = 1; seq <= 40; seq++) {
      const report = await log.verify({ from: { partition: 0, seq } })
      expect(report).toMatchObject({ finding: undefined, commits: all.length - seq + 1 })
    }
  })

  test('from a place behind a change does not see it; one before it does', async () => {
    const at = await scene()
    await setting(`actor = 'bob'`)(at)
    const { seq } = second(at)
    expect((await log.verify({ from: { partition: 0, seq } })).finding).toMatchObject({ at: { partition: 0, seq } })
    // Its hash still stands, so what follows it is what was written.
    expect((await log.verify({ from: { partition: 0, seq: seq + 1 } })).finding).toBeUndefined()
  })

  test('goes on where it stopped, whatever the length of its steps, and finds the same', async () => {
    const at = await scene()
    await swapPlaces(second(at), elementAt(at.b, 1, 'the second'))
    const whole = (await log.verify()).finding
    for (const commitsMax of [1, 5, 13, 14, 40]) {
      let from: { readonly partition: number; readonly seq: number } | undefined
      let found
      do {
        const report = await log.verify({ from, commitsMax })
        found = report.finding
        from = report.next
      } while (from !== undefined)
      expect(found).toEqual(whole)
    }
  })

  test('of a partition behind says that place', async () => {
    await log.sql(`update event_commit set actor = 'bob' where partition = 1 and seq = 20`)
    expect((await log.verify()).finding).toMatchObject({ kind: 'changed_commit', at: { partition: 1, seq: 20 } })
  })

  test('without trusted keys takes seals of any key, and without a list it does not miss seals that are gone', async () => {
    await reseal(log.database.url, 0, newSealKey())
    expect((await log.verify({ trusted: undefined, published: undefined })).finding).toBeUndefined()
    expect((await log.verify({ trusted: undefined })).finding).toMatchObject({ kind: 'unsealed', at: { partition: 0, seq: 14 } })
  })

  test('says that the published seals are of another log', async () => {
    await log.sql(`update event_log set log_id = 'another-log'`)
    try {
      expect((await log.verify()).finding).toMatchObject({ kind: 'unsealed', found: 'another-log', at: { partition: 0, seq: 1 } })
      expect((await log.verify({ published: undefined })).finding).toMatchObject({ kind: 'bad_seal', expected: 'another-log' })
    } finally {
      const [line = ''] = readFileSync(sealFile(log.published, 0), 'utf8').split('\n')
      const { seal } = JSON.parse(line) as { readonly seal: { readonly log: string } }
      await log.sql('update event_log set log_id = $1', [seal.log])
    }
  })

  test('says which line of the published seals is damaged', async () => {
    const file = sealFile(log.published, 0)
    const [first = '', other = ''] = readFileSync(file, 'utf8').split('\n')
    writeFileSync(file, `${first}\n${other.replace(/"root":"./, '"root":"x')}\n`)
    expect((await log.verify()).finding).toMatchObject({
      kind: 'bad_publication',
      message: expect.stringContaining('line 2') as unknown,
    })
    writeFileSync(file, `${other}\n${first}\n`)
    expect((await log.verify()).finding).toMatchObject({
      kind: 'bad_publication',
      message: expect.stringContaining('line 2') as unknown,
    })
  })

  test('passes over the half line of a crash, and over a line that stands there twice', async () => {
    const file = sealFile(log.published, 0)
    const [first = '', other = ''] = readFileSync(file, 'utf8').split('\n')
    writeFileSync(file, `${first}\n${first}\n${other}\n`)
    appendFileSync(file, '{"seq":41,"se')
    expect((await log.verify()).finding).toBeUndefined()
  })

  test('goes on while the server writes', async () => {
    const server = await log.server()
    const writing = (async () => {
      for (let n = 0; n < 40; n++) await server.commit(n % 2, `busy-${n % 3}-${n % 2}`)
      await server.seal(0)
      await server.seal(1)
    })()
    for (let n = 0; n < 5; n++) expect((await log.verify()).finding).toBeUndefined()
    await writing
    await server.die()
    expect((await log.verify()).finding).toBeUndefined()
  })
})

test('the scene is what the rows above take it for', async () => {
  const { rows, a, seals } = await scene()
  expect(a).toHaveLength(9)
  expect(seals.map(({ seq }) => seq)).toEqual([14, 27])
  expect(rowAt(rows, 0, 1).types).toBe('partition.acquired')
})
