/** Files of proofs: one, many, compressed; the first bad line is said. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { proofOf } from '@tasker/server/internal/audit/proof'
import { type CheckedProof, checkProofFile } from '@tasker/server/internal/cli/proof-file'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { commitsOf, newSealKey, rangesOf, sealsOf, taskIdOf } from '../../../support/sealed.js'
import { json, type Standing, standing, tasker } from './command-line.js'

const folder = mkdtempSync(join(tmpdir(), 'tasker-proofs-'))
afterAll(() => rmSync(folder, { recursive: true }))

const key = newSealKey()
const trusted = new Set([key.publicKey])
const tasks = ['A', 'B', 'C'].map(taskIdOf)
const commits = commitsOf(tasks.flatMap((id) => [id, id, id]))
const ranges = rangesOf(sealsOf(commits, 4, key), commits)
const proofs = tasks.map((id) =>
  JSON.stringify(
    proofOf(
      id,
      commits.filter(({ stream }) => stream.id === id),
      ranges,
    ),
  ),
)
const archive = `${proofs.join('\n')}\n`

const file = (name: string, content: string | Buffer): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const checked = async (path: string): Promise<readonly CheckedProof[]> => {
  const all: CheckedProof[] = []
  for await (const one of checkProofFile(path, trusted)) all.push(one)
  return all
}

describe('a file of proofs', () => {
  test.each([
    ['one', 'one.json', `${proofs[0]}\n`, 1],
    ['one laid out for reading', 'laid-out.json', JSON.stringify(JSON.parse(proofs[0] ?? ''), undefined, 2), 1],
    ['many, with empty lines', 'many.jsonl', `\n${archive}\n\n`, 3],
    ['many, compressed', 'many.jsonl.gz', gzipSync(archive), 3],
  ])('with %s is sound', async (_, name, content, count) => {
    const verdicts = await checked(file(name, content))
    expect(verdicts.map(({ verdict }) => verdict.type)).toEqual(Array.from({ length: count }, () => 'sound'))
  })

  test.each([
    ['a line is edited', archive.replace('w1', 'w9'), 1],
    ['the second line is edited', [proofs[0], proofs[1]?.replace('"ann"', '"bob"'), proofs[2]].join('\n'), 2],
    ['a line is cut', `${proofs[0]}\n${proofs[1]?.slice(0, -20)}\n${proofs[2]}\n`, 2],
    ['two halves are joined', `${proofs[0]?.slice(0, 400)}${proofs[1]?.slice(400)}\n`, 1],
  ])('in which %s is bad, and the line is said', async (_, content, line) => {
    for (const path of [file('bad.jsonl', content), file('bad.jsonl.gz', gzipSync(content))]) {
      const verdicts = await checked(path)
      expect(verdicts.at(-1)).toMatchObject({ line, verdict: { type: 'unsound' } })
      expect(verdicts).toHaveLength(line)
    }
  })

  test.each([
    ['is not there', join(folder, 'none.json')],
    ['is not compressed though it says so', file('plain.gz', archive)],
    ['is compressed and cut', file('cut.gz', gzipSync(archive).subarray(0, 300))],
  ])('that %s is told so', async (_, path) => {
    await expect(checked(path)).rejects.toMatchObject({ reason: 'PROOF_NOT_READ' })
  })
})

describe('tasker audit check', () => {
  const proof = file('cli.json', `${proofs[0]}\n`)

  test('says what it checked, and warns when no key was named', async () => {
    const checkedOnly = await tasker(['audit', 'check', proof])
    expect(checkedOnly).toMatchObject({ exitCode: 0 })
    expect(checkedOnly.out).toContain(`ok task ${tasks[0]}: 3 commits, 6 events up to step.started, signed by ${key.keyId}`)
    expect(checkedOnly.err).toContain('no --public-key was given')
    expect(await tasker(['audit', 'check', proof, '--public-key', key.publicKey])).toMatchObject({ exitCode: 0, err: '' })
  })

  test('ends with 1 at the first that is bad, as a sentence or as JSON', async () => {
    const strange = await tasker(['audit', 'check', proof, '--public-key', newSealKey().publicKey, '--json'])
    expect(strange.exitCode).toBe(1)
    expect(JSON.parse(strange.out)).toMatchObject({ ok: false, line: 1, at: '/seals/0' })
    const edited = await tasker(['audit', 'check', file('edited.json', archive.replace('w1', 'w9'))])
    expect(edited.exitCode).toBe(1)
    expect(edited.out).toMatch(/^bad .*edited\.json, line 1, at \/commits\/0: /)
  })

  test('of a file without a proof is wrong usage', async () => {
    expect((await tasker(['audit', 'check', file('empty.jsonl', '\n')])).exitCode).toBe(2)
  })
})

describe('tasker audit verify', () => {
  const open: Standing[] = []
  afterEach(async () => {
    for (const server of open.splice(0)) await server.close()
  })

  const page = { ok: true, commits: 5, seals: 1, unsealed: 2, next: null, finding: null }

  const asked = async (args: readonly string[], ...pages: readonly object[]) => {
    const server = await standing((_, response, count) => json(response, 200, pages[count - 1] ?? page))
    open.push(server)
    const ended = await tasker(['audit', 'verify', ...args], { TASKER_URL: server.url })
    return { ...ended, urls: server.asked.map(({ url }) => url) }
  }

  test('goes on until nothing is left, and adds up', async () => {
    const { exitCode, out, urls } = await asked(['--from', '1:7'], { ...page, next: '2:9' }, { ...page, next: '3:1' }, page)
    expect(urls).toEqual(['/v1/audit/verify?from=1%3A7', '/v1/audit/verify?from=2%3A9', '/v1/audit/verify?from=3%3A1'])
    expect([exitCode, out.trim()]).toEqual([0, 'ok 15 commits and 3 seals are what was written; 6 commits wait for their seal'])
  })

  test('says the first bad place, with what was expected, and ends with 1', async () => {
    const finding = {
      kind: 'broken_seal',
      at: '2:10',
      to_seq: 20,
      message: 'commits here are others',
      expected: 'aa',
      found: 'bb',
    }
    const bad = { ...page, ok: false, finding }
    const told = await asked([], { ...page, next: '2:9' }, bad)
    expect(told.exitCode).toBe(1)
    expect(told.out).toContain('bad at 2:10 to 2:20: commits here are others (broken_seal)')
    expect(told.out).toMatch(/expected aa\n.*found {4}bb/)
    const asJson = await asked(['--json'], bad)
    expect(JSON.parse(asJson.out)).toMatchObject({ ok: false, finding: { kind: 'broken_seal', at: '2:10', to_seq: 20 } })
  })

  test.each([
    [['--from', 'here'], 'is no position'],
    [['--seals', 'folder'], 'go with --database-url'],
    [['--public-key', key.publicKey], 'go with --database-url'],
    [['--database-url', 'postgres://nobody@127.0.0.1:1/none', '--seals', join(folder, 'none')], 'there is no folder'],
  ])('with %j is wrong usage', async (args, message) => {
    const ended = await tasker(['audit', 'verify', ...args])
    expect(ended.exitCode).toBe(2)
    expect(ended.err).toContain(message)
  })
})
