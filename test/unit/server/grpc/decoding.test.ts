/** Messages that cannot be read come in as values that say so. */
import { WorkerServiceService, type ConnectRequest } from '@tasker/proto'
import { tolerant } from '@tasker/server/internal/grpc/decoding'
import { expect, test } from 'vitest'

const method = tolerant(WorkerServiceService.connect)
const empty: ConnectRequest = { hello: undefined, results: [], heartbeats: [], drain: undefined, records: [], journalsWanted: [] }

test('a message goes through both ways', () => {
  const bytes = method.requestSerialize({ type: 'message', message: empty })
  expect(method.requestDeserialize(bytes)).toEqual({ type: 'message', message: empty })
})

test('bytes that are no message are told as malformed', () => {
  const incoming = method.requestDeserialize(Buffer.from([0x0a, 0xff]))
  expect(incoming.type).toBe('malformed')
})
