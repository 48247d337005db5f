import { memoryDisk, startInProcess } from '@tasker/server/internal/compose/in-process'
import { inProcessDoor, statusDetail } from '@tasker/server/internal/grpc/in-process'
import type { CallStatus } from '@tasker/server/internal/grpc/errors'
import { WORKER_TIMES_DEFAULT } from '@tasker/server/internal/grpc/door'
import { expect, test } from 'vitest'
import { startTestEngine, templateText } from '../../../support/engine.js'
import { settled, VirtualClock } from '../../../support/virtual-clock.js'

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }
const order = templateText('order', [{ name: 'a' }])

const reasonOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'answered',
    (status: unknown) => statusDetail(status as CallStatus).reason,
  )

test('what one server has written the next one finds', async () => {
  const [disk, clock] = [memoryDisk(), new VirtualClock()]
  const first = await startInProcess(disk, clock, silent, 'first')
  await first.door.register({ content: order, replace: false })
  await first.stop()
  const second = await startInProcess(disk, clock, silent, 'second')
  expect((await second.door.register({ content: order, replace: false })).unchanged).toBe(true)
  second.kill()
})

test('a server that is killed sets no alarm more, writes nothing more, and answers with the loss of the connection', async () => {
  const [disk, clock] = [memoryDisk(), new VirtualClock()]
  const server = await startInProcess(disk, clock, silent, 'first')
  const ends: string[] = []
  server.door.openSession({
    onMessage: () => undefined,
    onEnd: (status) => ends.push(status === undefined ? '' : statusDetail(status).reason),
  })
  const before = disk.log.written().length
  const call = reasonOf(server.door.register({ content: order, replace: false }))
  server.kill()
  expect(clock.alarms).toBe(0)
  expect(await call).toBe('SERVER_UNREACHABLE')
  await settled()
  expect(ends).toEqual(['SERVER_UNREACHABLE'])
  expect(await reasonOf(server.door.get({ taskId: 'none', atVersion: 0, atTimeMs: 0 }))).toBe('SERVER_UNREACHABLE')
  expect(disk.log.written().length).toBeLessThanOrEqual(before + 1)
  expect(clock.alarms).toBe(0)
})

test('a year without anything to do is one leap', async () => {
  const clock = new VirtualClock()
  const server = await startInProcess(memoryDisk(), clock, silent, 'node')
  let turns = 0
  await clock.leap(365 * 86_400_000, () => {
    turns++
    return settled()
  })
  expect(turns).toBeLessThan(5)
  server.kill()
})

test('a refusal says as much as over the wire, and a door that stops refuses its streams', async () => {
  const { engine } = await startTestEngine()
  const door = inProcessDoor({
    engine,
    lists: { listTasks: () => Promise.resolve({ rows: [], nextCursor: undefined }) },
    logger: silent,
    serverId: 'node',
    workerTimes: WORKER_TIMES_DEFAULT,
  })
  expect(await reasonOf(door.get({ taskId: 'none', atVersion: 0, atTimeMs: 0 }))).toBe('INVALID_TASK_ID')
  const ends: (string | undefined)[] = []
  const onEnd = (status: CallStatus | undefined): void => void ends.push(status && statusDetail(status).reason)
  const listener = { onMessage: () => undefined, onEnd }
  door.watch({ taskId: 'none', afterVersion: 0 }, listener)
  door.openSession(listener)
  await settled()
  door.stop()
  door.openWorker(listener)
  await settled()
  expect(ends).toEqual(['INVALID_TASK_ID', 'SERVER_STOPPING', 'SERVER_STOPPING'])
  await engine.stop()
})
