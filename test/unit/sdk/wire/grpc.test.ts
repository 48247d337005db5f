// The gRPC adapter against a server of the same library that does what the test says.
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
} from '@grpc/grpc-js'
import {
  ErrorDetail,
  TaskServiceService,
  WorkerServiceService,
  type ConnectRequest,
  type ConnectResponse,
  type GetRequest,
  type GetResponse,
} from '@tasker/proto'
import { grpcTransport, TaskerError, type Transport } from '@tasker/sdk'
import { afterEach, expect, test } from 'vitest'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close()
})

type Get = (call: ServerUnaryCall<GetRequest, GetResponse>, answer: sendUnaryData<GetResponse>) => void
type Connect = (call: ServerDuplexStream<ConnectRequest, ConnectResponse>) => void

const unused = (): never => {
  throw new Error('nobody should call this')
}

const serve = async (handlers: { readonly get?: Get; readonly connect?: Connect }): Promise<Transport> => {
  const server = new Server()
  server.addService(TaskServiceService, {
    session: unused,
    submit: unused,
    get: handlers.get ?? unused,
    list: unused,
    cancel: unused,
    awaitResult: unused,
    watch: unused,
  })
  server.addService(WorkerServiceService, { connect: handlers.connect ?? unused })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound)
      else reject(error)
    })
  })
  const transport = grpcTransport({ url: `127.0.0.1:${port}` })
  closing.push(() => server.forceShutdown())
  closing.push(() => transport.close())
  return transport
}

const failing =
  (code: status, details: string, metadata = new Metadata()): Get =>
  (_call, answer) =>
    answer({ code, details, metadata })

test('an error that carries its detail is given whole', async () => {
  const metadata = new Metadata()
  const detail: ErrorDetail = {
    code: 'INVALID_INPUT',
    reason: 'INPUT_SCHEMA_VIOLATION',
    message: 'does not fit',
    hint: 'look at the schema',
    retryable: false,
    errors: [{ code: 'MISSING_FIELD', message: 'is missing', path: '/id', line: 3, column: 5, hint: 'add it' }],
    context: { task: 'order' },
  }
  metadata.set('tasker-error-bin', Buffer.from(ErrorDetail.encode(detail).finish()))
  const transport = await serve({ get: failing(status.INVALID_ARGUMENT, 'does not fit', metadata) })
  const error = await transport.get({ taskId: 'T1' }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TaskerError)
  expect(error).toMatchObject({ ...detail, errors: detail.errors })
})

test('an error that is a bare status has its category', async () => {
  const expected = new Map<status, readonly [string, boolean]>([
    [status.NOT_FOUND, ['NOT_FOUND', false]],
    [status.UNAVAILABLE, ['UNAVAILABLE', true]],
    [status.DEADLINE_EXCEEDED, ['UNAVAILABLE', true]],
    [status.RESOURCE_EXHAUSTED, ['BACKPRESSURE', true]],
    [status.PERMISSION_DENIED, ['FORBIDDEN', false]],
    [status.DATA_LOSS, ['INTERNAL', false]],
  ])
  for (const [given, [code, retryable]] of expected) {
    const transport = await serve({ get: failing(given, 'so it is') })
    await expect(transport.get({ taskId: 'T1' })).rejects.toMatchObject({
      code,
      retryable,
      message: expect.stringContaining('so it is') as string,
    })
  }
})

test('a server that is not there is unavailable, at once', async () => {
  const transport = grpcTransport({ url: '127.0.0.1:1' })
  closing.push(() => transport.close())
  await expect(transport.get({ taskId: 'T1' })).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'SERVER_UNREACHABLE' })
})

/** What a stream told its listener, and a way to wait for the end. */
const listening = (transport: Transport) => {
  const messages: ConnectResponse[] = []
  let ended: (error: TaskerError | undefined) => void = () => undefined
  const end = new Promise<TaskerError | undefined>((resolve) => {
    ended = resolve
  })
  const stream = transport.openWorker({
    onMessage: (message) => messages.push(message),
    onWritable: () => undefined,
    onEnd: (error) => ended(error),
  })
  return { messages, end, stream }
}

const empty: ConnectResponse = { welcome: undefined, commands: [], acks: [], cancellations: [], problems: [], news: [] }
const nothingToSay: ConnectRequest = {
  hello: undefined,
  results: [],
  heartbeats: [],
  drain: undefined,
  records: [],
  journalsWanted: [],
}

test('a stream gives what comes, and ends without an error when the server closes it', async () => {
  const transport = await serve({
    connect: (call) => {
      call.on('data', () => call.write(empty))
      call.on('end', () => call.end())
    },
  })
  const { messages, end, stream } = listening(transport)
  stream.write(nothingToSay)
  stream.write(nothingToSay)
  stream.finish()
  expect(await end).toBeUndefined()
  expect(messages).toEqual([empty, empty])
})

test('a stream that the server breaks ends once, with the reason', async () => {
  const transport = await serve({
    connect: (call) => {
      call.on('data', () => call.emit('error', { code: status.ABORTED, details: 'replaced', metadata: new Metadata() }))
    },
  })
  const { end, stream } = listening(transport)
  stream.write(nothingToSay)
  expect(await end).toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('replaced') as string })
})

test('a stream that is aborted here ends here', async () => {
  const transport = await serve({ connect: (call) => void call.resume() })
  const { end, stream } = listening(transport)
  stream.write(nothingToSay)
  stream.abort()
  expect(await end).toMatchObject({ code: 'UNAVAILABLE' })
})
