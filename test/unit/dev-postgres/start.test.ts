/** The launcher against real processes: places it must work in, and ends it must survive. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { type PostgresOptions, startPostgres } from '@tasker/dev-postgres'
import { isAlive } from '@tasker/dev-postgres/internal/postmaster'
import { reachableByOthers } from '@tasker/dev-postgres/internal/run-as'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'

const IS_ROOT = process.getuid?.() === 0
const CHECKOUT = resolve(import.meta.dirname, '../../..')
const POLL_MS = 50
const GONE_POLLS_MAX = 400

const folders: string[] = []
const scratch = (): string => {
  const folder = mkdtempSync('/tmp/tasker-dev-postgres-')
  folders.push(folder)
  return folder
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const start = async (options: PostgresOptions): ReturnType<typeof startPostgres> => {
  const postgres = await startPostgres({ durable: false, ...options })
  onTestFinished(() => postgres.stop())
  return postgres
}

/** PostgreSQL answers a request for TLS with one byte: it is a PostgreSQL, and it accepts connections. */
const speaks = (port: number, host = '127.0.0.1'): Promise<boolean> =>
  new Promise((answer) => {
    const socket = connect(port, host, () => socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])))
    socket.on('data', () => {
      socket.destroy()
      answer(true)
    })
    socket.on('error', () => answer(false))
  })

const gone = async (pid: number): Promise<boolean> => {
  for (let i = 0; i < GONE_POLLS_MAX && isAlive(pid); i++) await new Promise((next) => setTimeout(next, POLL_MS))
  return !isAlive(pid)
}

/** A program of its own that starts PostgreSQL and stays; it runs the build, as users' programs do. */
const program = async (dataDir: string, as: { uid?: number; gid?: number } = {}) => {
  const code = `import { startPostgres } from '@tasker/dev-postgres'
    const p = await startPostgres({ dataDir: ${JSON.stringify(dataDir)}, durable: false })
    console.log(p.pid, p.port); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    ...as,
    cwd: join(CHECKOUT, 'test'),
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const [postgresPid = 0, port = 0] = line.split(' ').map(Number)
  return { child, pid: child.pid ?? 0, postgresPid, port }
}

const watchdogsOf = (postgresPid: number): number[] =>
  execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(`tasker-postgres-watchdog ${postgresPid} `))
    .map((line) => Number.parseInt(line, 10))

describe('startPostgres', () => {
  test('serves under a folder that only its owner may enter, and keeps its password to its owner', async () => {
    const closed = scratch()
    chmodSync(closed, 0o700)
    const postgres = await start({ dataDir: join(closed, 'data') })
    expect(await speaks(postgres.port)).toBe(true)
    expect(statSync(join(closed, 'data', 'password')).mode & 0o777).toBe(0o600)
    const rules = readFileSync(join(closed, 'data', 'cluster', 'pg_hba.conf'), 'utf8').split('\n')
    expect(rules.filter((rule) => /^(local|host)/.test(rule) && !rule.includes('scram-sha-256'))).toEqual([])
    await postgres.stop()
    await postgres.stop()
    expect(isAlive(postgres.pid)).toBe(false)
  })

  test('starts again on the same data after a stop and after a crash, with the same password', async () => {
    const dataDir = scratch()
    const first = await start({ dataDir })
    await first.stop()
    const second = await start({ dataDir })
    expect(new URL(second.url).password).toBe(new URL(first.url).password)
    await second.kill9()
    const third = await start({ dataDir })
    expect(await speaks(third.port)).toBe(true)
  })

  test('refuses a data directory that a living program uses', async () => {
    const dataDir = scratch()
    await start({ dataDir })
    await expect(startPostgres({ dataDir })).rejects.toThrow(/in use by process/)
  })

  test('says what PostgreSQL said when it does not start', async () => {
    await expect(startPostgres({ dataDir: scratch(), parameters: { shared_buffers: 'plenty' } })).rejects.toThrow(
      /FATAL:.*shared_buffers.*"plenty"[\s\S]*DATABASE_URL/,
    )
  })

  test('waits for a port that is given up in a moment', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const address = holder.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    setTimeout(() => holder.close(), 1_000)
    expect((await start({ dataDir: scratch(), port })).port).toBe(port)
  })

  test('stops by itself when its program is killed', async () => {
    const { child, postgresPid, port } = await program(scratch())
    expect(await speaks(port)).toBe(true)
    child.kill('SIGKILL')
    expect(await gone(postgresPid)).toBe(true)
  })

  test('is not reached by a Ctrl-C meant for its program', async () => {
    const { child, pid, postgresPid, port } = await program(scratch())
    child.on('exit', () => undefined)
    process.kill(-pid, 'SIGSTOP')
    process.kill(-pid, 'SIGINT')
    expect(await speaks(port)).toBe(true)
    process.kill(-pid, 'SIGCONT')
    expect(await gone(postgresPid)).toBe(true)
  })

  test('what a killed program left behind is stopped before the next start', async () => {
    const dataDir = scratch()
    const { child, postgresPid } = await program(dataDir)
    const watchdogs = watchdogsOf(postgresPid)
    expect(watchdogs).toHaveLength(1)
    for (const watchdog of watchdogs) process.kill(watchdog, 'SIGKILL')
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    expect(isAlive(postgresPid)).toBe(true)
    const next = await start({ dataDir })
    expect(isAlive(postgresPid)).toBe(false)
    expect(await speaks(next.port)).toBe(true)
  })

  test.runIf(IS_ROOT && reachableByOthers(join(CHECKOUT, 'node_modules')))('runs for a user who is not root', async () => {
    const dataDir = join(scratch(), 'data')
    mkdirSync(dataDir)
    chmodSync(join(dataDir, '..'), 0o755)
    chownSync(dataDir, 65_534, 65_534)
    const { child, postgresPid, port } = await program(dataDir, { uid: 65_534, gid: 65_534 })
    expect(await speaks(port)).toBe(true)
    child.kill('SIGKILL')
    expect(await gone(postgresPid)).toBe(true)
  })
})
