import { callStatus } from '@tasker/server/internal/grpc/errors'
import { MemoryCall, writableCall } from '@tasker/server/internal/grpc/memory-call'
import { expect, test } from 'vitest'
import { settled } from '../../../support/virtual-clock.js'

const GONE = callStatus({ code: 'UNAVAILABLE', reason: 'SERVER_STOPPING', message: 'gone' })

const callOf = () => {
  const said: string[] = []
  const heard: string[] = []
  const call = new MemoryCall<string, string>(
    {
      onMessage: (message) => heard.push(message),
      onEnd: (status) => heard.push(status === undefined ? 'ended' : `ended: ${status.message}`),
    },
    () => heard.push('closed'),
  )
  call.on('data', (incoming) => said.push(incoming.type === 'message' ? incoming.message : incoming.problem))
  call.on('end', () => said.push('end'))
  call.on('cancelled', () => said.push('cancelled'))
  return { call, said, heard }
}

test('each side hears the other in order, and never from within its own call', async () => {
  const { call, said, heard } = callOf()
  call.say('one')
  call.say('two')
  call.finish()
  expect(call.write('three')).toBe(true)
  call.end()
  expect([said, heard]).toEqual([[], []])
  await settled()
  expect(said).toEqual(['one', 'two', 'end'])
  expect(heard).toEqual(['three', 'closed', 'ended'])
})

test('a server that pauses reads on where it was', async () => {
  const { call, said } = callOf()
  call.on('data', () => call.pause())
  for (const word of ['one', 'two', 'three']) call.say(word)
  await settled()
  expect([said, call.isPaused()]).toEqual([['one'], true])
  call.resume()
  await settled()
  expect(said).toEqual(['one', 'two'])
})

test('a caller that is gone hears nothing more, and the server is told', async () => {
  const { call, said, heard } = callOf()
  call.say('one')
  call.write('late')
  call.abort()
  call.abort()
  call.say('two')
  await settled()
  expect(said).toEqual(['cancelled'])
  expect(heard).toEqual(['closed'])
})

test('an error ends the call behind what was written before it, once', async () => {
  const { call, said, heard } = callOf()
  call.write('one')
  call.emit('error', GONE)
  call.write('two')
  call.end()
  await settled()
  call.say('late')
  await settled()
  expect(heard).toEqual(['one', 'closed', 'ended: gone'])
  expect(said).toEqual([])
})

test('a server that is gone says nothing more, not even what it had written', async () => {
  const { call, said, heard } = callOf()
  call.write('one')
  call.say('two')
  call.cut(GONE)
  await settled()
  expect(heard).toEqual(['closed', 'ended: gone'])
  expect(said).toEqual([])
})

test('a call with one request is written to and ended by the server', async () => {
  const heard: string[] = []
  const call = new MemoryCall<never, string>(
    { onMessage: (message) => heard.push(message), onEnd: (status) => heard.push(status?.message ?? 'ended') },
    () => undefined,
  )
  const server = writableCall('question', call)
  server.on('cancelled', () => heard.push('cancelled'))
  expect(server.request).toEqual({ type: 'message', message: 'question' })
  server.write('answer')
  server.end()
  await settled()
  expect(heard).toEqual(['answer', 'ended'])
  server.emit('error', GONE)
  await settled()
  expect(heard).toHaveLength(2)
})
