/** The door itself: its address, health, reflection and stopping. */
import { credentials, makeGenericClientConstructor, status, type ServiceError } from '@grpc/grpc-js'
import { startGrpcServer, type GrpcServer } from '@tasker/server/internal/grpc/server'
import { service as healthService } from 'grpc-health-check'
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { engineDouble } from './engine-double.js'
import { clientsTo, connectWorker, detailOf, failureOf, hello, request, TASK_ID } from './wire-client.js'

let server: GrpcServer | undefined

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
  const address = other.address() as AddressInfo
  await expect(begin(engineDouble(), address.port)).rejects.toMatchObject({
    detail: {
      reason: 'PORT_IN_USE',
      message: expect.stringContaining(String(address.port)),
      hint: expect.stringContaining('--grpc-port'),
    },
  })
  await new Promise((resolve) => other.close(resolve))
})

test('an address that is not of this machine is said so', async () => {
  const double = engineDouble()
  await expect(startGrpcServer({ ...double, host: '192.0.2.1', port: 0, serverId: 's' })).rejects.toMatchObject({
    detail: { reason: 'ADDRESS_NOT_USABLE' },
  })
})

describe('health', () => {
  const Health = makeGenericClientConstructor(healthService, 'grpc.health.v1.Health')
  const check = (port: number, name: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const client = new Health(`127.0.0.1:${port}`, credentials.createInsecure())
      client['check']?.({ service: name }, (error: ServiceError | null, answer: unknown) => {
        client.close()
        if (error === null) resolve(answer)
        else reject(error)
      })
    })

  test('follows the engine, for the server and each of its services', async () => {
    const double = engineDouble()
    const { port } = await begin(double)
    for (const name of ['', 'tasker.v1.WorkerService', 'tasker.v1.TaskService', 'tasker.v1.TemplateService'])
      expect(await check(port, name)).toEqual({ status: 'SERVING' })
    double.ready = false
    await expect.poll(() => check(port, ''), { timeout: 5_000 }).toEqual({ status: 'NOT_SERVING' })
    await expect(check(port, 'tasker.v1.Nothing')).rejects.toMatchObject({ code: status.NOT_FOUND })
  })
})

test('reflection lists the services, so that tools need no .proto files', async () => {
  const { port } = await begin()
  const Reflection = makeGenericClientConstructor(
    {
      info: {
        path: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
        requestStream: true,
        responseStream: true,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    'ServerReflection',
  )
  const client = new Reflection(`127.0.0.1:${port}`, credentials.createInsecure())
  const stream = client['info']?.()
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
  const { port, stop } = await begin(double)
  const clients = clientsTo(port)
  const stream = connectWorker(clients)
  stream.call.write(request({ hello: hello() }))
  await stream.until((messages) => messages.length > 0)
  await Promise.all([stop(1_000), stop(1_000)])
  const { code, error } = await stream.ended
  expect([code, detailOf(error)?.reason]).toEqual([status.UNAVAILABLE, 'SERVER_STOPPING'])
  expect(double.workers[0]?.disconnected).toBe(true)
  const late = await failureOf((done) => clients.tasks.get({ taskId: TASK_ID }, { deadline: Date.now() + 2_000 }, done))
  expect([status.UNAVAILABLE, status.DEADLINE_EXCEEDED]).toContain(late.code)
  clients.close()
})
