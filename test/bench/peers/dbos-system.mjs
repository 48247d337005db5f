/** DBOS as the load sees it: workflows that run in this process; a backlog waits in a queue until its process listens. */
import { createRequire } from 'node:module'

const { DBOS, DBOSClient } = createRequire(import.meta.url)('@dbos-inc/dbos-sdk')

const POOL = 20
const QUEUE = { minPollingIntervalMs: 100, workerConcurrency: 500 }
const SLEEP_MS = 2_000

const step = (name) => DBOS.runStep(async () => 1, { name })
const beside = (width) => Promise.all(Array.from({ length: width }, (_, n) => step(`m${n}`)))
const fan = (width) => async () => {
  await step('first')
  await beside(width)
  await step('last')
}

const linear4 = async () => {
  for (const name of ['s0', 's1', 's2', 's3']) await step(name)
}

const bodies = {
  single: () => step('s0'),
  linear_4: linear4,
  // Its native form of a durable function.
  function_4: () => linear4(),
  diamond_8: fan(8),
  wide_100: fan(100),
  sleep: async () => {
    const dueAtMs = Date.now() + SLEEP_MS
    await DBOS.sleep(SLEEP_MS)
    return Date.now() - dueAtMs
  },
}
const workflows = Object.fromEntries(Object.entries(bodies).map(([name, body]) => [name, DBOS.registerWorkflow(body, { name })]))

let ended = 0
DBOS.registerWorkflow(
  async () => {
    await step('s0')
    ended++
  },
  { name: 'queued' },
)

export const connect = async ({ url, tasks, gate, ...target }) => {
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: url,
    systemDatabasePoolSize: POOL,
    logLevel: 'error',
    applicationVersion: 'v1',
    executorID: 'e1',
  })
  await DBOS.launch()
  return {
    run: async (shape) => (await DBOS.startWorkflow(workflows[shape])()).getResult(),
    backlog: () => backlogOf(url, tasks),
    close: () => DBOS.shutdown(),
  }
}

const backlogOf = (url, tasks) => {
  const client = (async () => {
    await DBOS.registerQueue('q', QUEUE)
    await DBOS.shutdown()
    return DBOSClient.create({ systemDatabaseUrl: url, systemDatabasePoolSize: POOL, applicationName: 'bench' })
  })()
  return {
    submit: async () => {
      await (await client).enqueue({ queueName: 'q', workflowName: 'queued', appVersion: 'v1' })
    },
    begin: () => DBOS.launch(),
    done: async () => {
      while (ended < tasks) await new Promise((resolve) => setTimeout(resolve, 10))
      await (await client).destroy()
    },
  }
}
