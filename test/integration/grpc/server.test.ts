/** The door itself: its address, health, reflection and stopping. */
import { Client, Metadata, credentials, status } from '@grpc/grpc-js'
import { startGrpcServer, type GrpcServer } from '@tasker/server/internal/grpc/server'
import { Fault, type FaultDetail } from '@tasker/server/internal/faults'
import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { engineDouble } from './engine-double.js'
import { clientsTo, connectWorker, detailOf, failureOf, hello, request, TASK_ID } from './wire-client.js'

let server: GrpcServer | undefined

const faultIn = (error: unknown): FaultDetail | undefined => (error instanceof Fault ? error.detail : undefined)

const begin = async (double = engineDouble(), port = 0): Promise<GrpcServer> => {
  server = await startGrpcServer({ ...double, host: '127.0.0.1', port, serverId: 'server-1' })
  return server
}

afterEach(async () => {
  await server?.stop(1_000)
  server = undefined
})

test('a port that is taken is said with the port and the setting', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const address = other.address()
  if (address === null || typeof address === 'string') throw new Error('the other program has no port')
  const refused = await begin(engineDouble(), address.port).then(() => undefined, faultIn)
  expect(refused?.reason).toBe('PORT_IN_USE')
  expect(refused?.message).toContain(`127.0.0.1:${address.port}`)
  expect(refused?.hint).toContain('--grpc-port')
  await new Promise((resolve) => other.close(resolve))
})

test('an address that is not of this machine is said so', async () => {
  const double = engineDouble()
  await expect(startGrpcServer({ ...double, host: '192.0.2.1', port: 0, serverId: 's' })).rejects.toMatchObject({
    detail: { reason: 'ADDRESS_NOT_USABLE' },
  })
})

const asBytes = (bytes: Buffer): Buffer => bytes

describe('health', () => {
  const SERVING = Buffer.from([0x08, 0x01])
  const NOT_SERVING = Buffer.from([0x08, 0x02])
  /** The bytes of a `HealthCheckResponse`; the request has the service's name as field 1. */
  const check = (port: number, name: string): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
      const asked = Buffer.concat([Buffer.from([0x0a, name.length]), Buffer.from(name)])
      client.makeUnaryRequest('/grpc.health.v1.Health/Check', asBytes, asBytes, asked, (error, answer) => {
        client.close()
        if (error === null) resolve(answer ?? Buffer.alloc(0))
        else reject(error)
      })
    })

  test('follows the engine, for the server and each of its services', async () => {
    const double = engineDouble()
    const { port } = await begin(double)
    for (const name of ['', 'tasker.v1.WorkerService', 'tasker.v1.TaskService', 'tasker.v1.TemplateService'])
      expect(await check(port, name)).toEqual(SERVING)
    double.ready = false
    await expect.poll(() => check(port, ''), { timeout: 5_000 }).toEqual(NOT_SERVING)
    await expect(check(port, 'tasker.v1.Nothing')).rejects.toMatchObject({ code: status.NOT_FOUND })
  })
})

test('reflection lists the services, so that tools need no .proto files', async () => {
  const { port } = await begin()
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  const stream = client.makeBidiStreamRequest('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', asBytes, asBytes)
  const answered = new Promise<Buffer>((resolve, reject) => {
    stream.on('data', resolve)
    stream.on('error', reject)
  })
  // Field 7, `list_services`, with an empty text.
  stream.write(Buffer.from([0x3a, 0x00]))
  const text = (await answered).toString('latin1')
  for (const name of ['tasker.v1.WorkerService', 'tasker.v1.TaskService', 'tasker.v1.TemplateService'])
    expect(text).toContain(name)
  stream.end()
  client.close()
})

test('a stopping server ends workers with UNAVAILABLE, takes no more calls, and may be told twice', async () => {
  const double = engineDouble()
  const started = await begin(double)
  const { port } = started
  const clients = clientsTo(port)
  const stream = connectWorker(clients)
  stream.call.write(request({ hello: hello() }))
  await stream.until((messages) => messages.length > 0)
  await Promise.all([started.stop(1_000), started.stop(1_000)])
  const { code, error } = await stream.ended
  expect([code, detailOf(error)?.reason]).toEqual([status.UNAVAILABLE, 'SERVER_STOPPING'])
  expect(double.workers[0]?.disconnected).toBe(true)
  const late = await failureOf((done) =>
    clients.tasks.get({ taskId: TASK_ID }, new Metadata(), { deadline: Date.now() + 2_000 }, done),
  )
  expect([status.UNAVAILABLE, status.DEADLINE_EXCEEDED]).toContain(late.code)
  clients.close()
})
