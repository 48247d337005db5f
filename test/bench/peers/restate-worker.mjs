/** Restate's worker: `node restate-worker.mjs PORT GATE`. Gated handlers wait until the file GATE is there; GATE.ended tells how many have ended. */
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import http2 from 'node:http2'

// Its SDK expects what Node 20 lacks.
Promise.withResolvers ??= function withResolvers() {
  const made = {}
  made.promise = new this((resolve, reject) => Object.assign(made, { resolve, reject }))
  return made
}
process.env.RESTATE_LOGGING ??= 'ERROR'
const restate = await import('@restatedev/restate-sdk')

const [port, gate] = process.argv.slice(2)
const SLEEP_MS = 2_000
const TOLD_EVERY_MS = 10

const one = () => 1
const beside = (ctx, width) => restate.RestatePromise.all(Array.from({ length: width }, (_, n) => ctx.run(`m${n}`, one)))
const fan = (width) => async (ctx) => {
  await ctx.run('first', one)
  await beside(ctx, width)
  await ctx.run('last', one)
  return 1
}

const open = gate
  ? (async () => {
      while (!existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, TOLD_EVERY_MS))
    })()
  : Promise.resolve()
let ended = 0
const dueAtMs = new Map()

/** Four steps one after another, which is also its native form of a durable function. */
const linear4 = async (ctx) => {
  for (const name of ['s0', 's1', 's2', 's3']) await ctx.run(name, one)
  return 1
}

const service = restate.service({
  name: 'bench',
  handlers: {
    single: async (ctx) => {
      await ctx.run('s0', one)
      return 1
    },
    linear_4: linear4,
    function_4: linear4,
    diamond_8: fan(8),
    wide_100: fan(100),
    sleep: async (ctx) => {
      const id = ctx.request().id.toString()
      if (!dueAtMs.has(id)) dueAtMs.set(id, Date.now() + SLEEP_MS)
      await ctx.sleep(SLEEP_MS)
      const lateMs = Date.now() - dueAtMs.get(id)
      dueAtMs.delete(id)
      return lateMs
    },
    gated: async (ctx) => {
      await open
      await ctx.run('s0', one)
      ended++
      return 1
    },
  },
})

let told = 0
if (gate)
  setInterval(() => {
    if (ended === told) return
    told = ended
    writeFileSync(`${gate}.writing`, String(told))
    renameSync(`${gate}.writing`, `${gate}.ended`)
  }, TOLD_EVERY_MS).unref()

const endpoint = restate.endpoint().bind(service)
http2
  .createServer({ settings: { maxConcurrentStreams: 1_000 } }, endpoint.http2Handler())
  .listen(Number(port), '127.0.0.1', () => console.log('listening'))
