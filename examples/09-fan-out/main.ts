/** Makes 500 pictures smaller, 20 at a time. Worker and client in one file. */
import { setTimeout as pause } from 'node:timers/promises'
import { Client, defineFunction, type FunctionContext, RetryableError, Worker } from '@tasker/sdk'
import { z } from 'zod'

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Stands for a program that makes pictures smaller: each 100th is too much for it, the first time. */
const work = { now: 0, most: 0, made: 0 }
const makeSmaller = async (picture: string, attempt: number): Promise<number> => {
  work.now++
  work.most = Math.max(work.most, work.now)
  await pause(2)
  work.now--
  if (picture.endsWith('00') && attempt === 1) throw new RetryableError(`${picture} is too large right now`)
  work.made++
  return picture.length
}

const album = defineFunction(
  'album',
  { namespace: 'pictures', version: '1.0.0', input: z.object({ pictures: z.array(z.string()) }) },
  async (ctx, { pictures }) => {
    // Each branch has the picture as its name, so its steps are known by it, whoever is first and in whatever order the list comes.
    const branches = Object.fromEntries(
      pictures.map((picture) => [
        picture,
        async (branch: FunctionContext) =>
          branch.step('make smaller', async ({ attempt }) => makeSmaller(picture, attempt), { retry: { backoffBase: 50 } }),
      ]),
    )
    const sizes = await ctx.all(branches, { limit: 20 })
    return { pictures: Object.keys(sizes).length, bytes: Object.values(sizes).reduce((sum, size) => sum + size, 0) }
  },
)

const url = process.env['TASKER_GRPC_URL'] ?? 'localhost:9190'
const worker = new Worker({ url, namespace: 'pictures', tasks: [album] })
const running = worker.run()

const client = new Client({ url })
const pictures = Array.from({ length: 500 }, (_, index) => `holiday-${String(index).padStart(3, '0')}`)
const handle = await client.submit(album, { pictures })
say(JSON.stringify(await handle.result()))
say(`${work.made} made, at most ${work.most} at a time`)

client.close()
await worker.drain()
await running
