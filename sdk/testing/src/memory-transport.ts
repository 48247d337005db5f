/** The SDK's way to a server in the same process. */
import type { MessageStream, StreamListener, TaskerError, Transport } from '@tasker/sdk'
import { errorOfDetail } from '@tasker/sdk/internal/wire/problems'
import { type InProcessDoor, statusDetail } from '@tasker/server/internal/grpc/in-process'
import type { CallerSide, CallListener } from '@tasker/server/internal/grpc/memory-call'

type Status = Parameters<CallListener<never>['onEnd']>[0]

/** `door` is that of the server that lives when a call begins. */
export const memoryTransport = (door: () => InProcessDoor): Transport => ({
  openWorker: (listener) => streamOf(door().openWorker(listening(listener))),
  openSession: (listener) => streamOf(door().openSession(listening(listener))),
  watch: (request, signal) => messagesOf((listener) => door().watch(request, listener), signal),
  subscribe: (request, signal) => messagesOf((listener) => door().subscribe(request, listener), signal),
  register: (request) => answered(door().register(request)),
  get: (request) => answered(door().get(request)),
  explain: (request) => answered(door().explain(request)),
  compensation: (request) => answered(door().compensation(request)),
  diff: (request) => answered(door().diff(request)),
  list: (request) => answered(door().list(request)),
  cancel: (request) => answered(door().cancel(request)),
  order: (order, request) => answered(door().order(order, request)),
  signal: (request) => answered(door().signal(request)),
  update: (request) => answered(door().update(request)),
  shown: (request) => answered(door().shown(request)),
  schedules: {
    createSchedule: (request) => answered(door().schedules.createSchedule(request)),
    getSchedule: (request) => answered(door().schedules.getSchedule(request)),
    listSchedules: (request) => answered(door().schedules.listSchedules(request)),
    editSchedule: (request) => answered(door().schedules.editSchedule(request)),
    pauseSchedule: (request) => answered(door().schedules.pauseSchedule(request)),
    resumeSchedule: (request) => answered(door().schedules.resumeSchedule(request)),
    triggerSchedule: (request) => answered(door().schedules.triggerSchedule(request)),
    backfillSchedule: (request) => answered(door().schedules.backfillSchedule(request)),
    deleteSchedule: (request) => answered(door().schedules.deleteSchedule(request)),
  },
  close: () => undefined,
})

const listening = <In>({ onMessage, onEnd }: StreamListener<In>): CallListener<In> => ({
  onMessage,
  onEnd: (status) => onEnd(errorOf(status)),
})

const errorOf = (status: Status): TaskerError | undefined =>
  status === undefined ? undefined : errorOfDetail(statusDetail(status))

const streamOf = <Out>(call: CallerSide<Out>): MessageStream<Out> => ({
  write: (message) => {
    call.say(message)
    return true
  },
  finish: () => call.finish(),
  abort: () => call.abort(),
})

const answered = async <Response>(call: Promise<Response>): Promise<Response> => {
  try {
    return await call
  } catch (status) {
    throw errorOf(status as Status) ?? status
  }
}

async function* messagesOf<Message>(
  open: (listener: CallListener<Message>) => CallerSide<never>,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const come: Message[] = []
  let end: { readonly error: TaskerError | undefined } | undefined
  let news = (): void => undefined
  const call = open({
    onMessage: (message) => {
      come.push(message)
      news()
    },
    onEnd: (status) => {
      end = { error: errorOf(status) }
      news()
    },
  })
  const abort = (): void => {
    end ??= { error: undefined }
    call.abort()
    news()
  }
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    for (;;) {
      const message = come.shift()
      if (message !== undefined) yield message
      else if (end === undefined) await new Promise<void>((resolve) => (news = resolve))
      else if (end.error === undefined) return
      else throw end.error
    }
  } finally {
    signal.removeEventListener('abort', abort)
    call.abort()
  }
}
