/** What is done to the processes of a ground while they work. Each strike leaves everything started again. */
import type { Dice } from '../simulation/dice.js'
import { end } from '../support/live-server.js'
import { signalTree } from '../support/process-tree.js'
import type { TcpProxy } from '../support/tcp-proxy.js'
import type { Ground } from './ground.js'

export interface Strike {
  readonly name: string
  /** Resolves when everything is started again; calls `struck` once, when the fault has happened. */
  readonly run: (ground: Ground, dice: Dice, struck: () => void) => Promise<void>
}

export const serverKilled: Strike = {
  name: 'server killed',
  run: async (ground, _dice, struck) => {
    await end(ground.server, 'SIGKILL')
    await afterwards(struck)
    await ground.startServer()
  },
}

export const workerKilled: Strike = {
  name: 'worker killed',
  run: async (ground, dice, struck) => {
    const worker = dice.pick(ground.workers)
    ground.forgetWorker(worker)
    await end(worker, 'SIGKILL')
    await afterwards(struck)
    await ground.addWorker()
  },
}

/** All of its processes at once: the next start goes through crash recovery. */
export const postgresKilled: Strike = {
  name: 'PostgreSQL killed',
  run: async (ground, _dice, struck) => {
    signalTree(ground.postgres.pid, 'SIGKILL')
    await ground.postgres.exited
    await afterwards(struck)
    await ground.startPostgres()
  },
}

export const serverStopped = (ms: number): Strike => ({
  name: `server stopped for ${seconds(ms)}`,
  run: (ground, _dice, struck) => stopped(ground.server.pid, ms, struck),
})

export const workerStopped = (ms: number): Strike => ({
  name: `worker stopped for ${seconds(ms)}`,
  run: (ground, dice, struck) => stopped(dice.pick(ground.workers).pid, ms, struck),
})

export const postgresStopped = (ms: number): Strike => ({
  name: `PostgreSQL stopped for ${seconds(ms)}`,
  run: (ground, _dice, struck) => stopped(ground.postgres.pid, ms, struck),
})

type WayName = 'toPostgres' | 'toServer'
const WAYS: Readonly<Record<WayName, string>> = {
  toPostgres: 'between server and PostgreSQL',
  toServer: 'between server and workers, clients',
}

/** Every connection of a way ends at once; new ones are taken. */
export const cut = (way: WayName): Strike => ({
  name: `connections cut ${WAYS[way]}`,
  run: async (ground, _dice, struck) => {
    wayOf(ground, way).cut()
    await afterwards(struck)
  },
})

/** Nothing passes, and nobody is told, until the connections are cut and new ones pass. */
export const silence = (way: WayName, ms: number): Strike => ({
  name: `silence of ${seconds(ms)} ${WAYS[way]}`,
  run: async (ground, _dice, struck) => {
    const proxy = wayOf(ground, way)
    proxy.swallow()
    await afterwards(struck)
    await pause(ms)
    proxy.heal()
  },
})

/** Connections lose what they carry for ever and stay open; only new ones pass. */
export const deadConnections = (way: WayName): Strike => ({
  name: `connections dead but open ${WAYS[way]}`,
  run: async (ground, _dice, struck) => {
    const proxy = wayOf(ground, way)
    proxy.swallow()
    await afterwards(struck)
    proxy.passNew()
  },
})

const wayOf = ({ ways }: Ground, way: WayName): TcpProxy => {
  if (ways === undefined) throw new Error('the ground has no ways that can be cut')
  return ways[way]
}

const stopped = async (pid: number, ms: number, struck: () => void): Promise<void> => {
  signalTree(pid, 'SIGSTOP')
  await afterwards(struck)
  await pause(ms)
  signalTree(pid, 'SIGCONT')
}

/** What was in the sockets is read first. */
const afterwards = async (call: () => void): Promise<void> => {
  await new Promise((resolve) => setImmediate(resolve))
  call()
}

const seconds = (ms: number): string => `${ms / 1_000} s`

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
