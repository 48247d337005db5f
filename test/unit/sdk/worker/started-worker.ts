// A worker that was greeted by a scripted server, on a clock whose hands the test turns.
import { Worker, type WorkerOptions } from '@tasker/sdk'
import { scriptedServer, WELCOME } from '../scripted-server.js'
import { turn, virtualClock } from '../virtual-clock.js'

export const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

export const startWorker = async (options: Partial<WorkerOptions>, welcome = WELCOME) => {
  const server = scriptedServer()
  const clock = virtualClock()
  const worker = new Worker({ url: '', namespace: 'shop', signals: false, logger: silent, transport: server, clock, ...options })
  const ended = worker.run()
  await turn()
  server.worker().send({ welcome })
  return { server, clock, worker, ended }
}
