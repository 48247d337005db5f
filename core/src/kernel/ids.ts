/** Names and ids, branded. A task id is a ULID that carries its partition in its random bits. */
import type { Brand } from './brand.js'
import { invariant } from './invariant.js'

/** A ULID, 26 characters of Crockford base 32. */
export type TaskId = Brand<string, 'TaskId'>
/** A step's id is its name, unique within the task. */
export type StepId = Brand<string, 'StepId'>
/** A fence around templates, tasks and workers. */
export type Namespace = Brand<string, 'Namespace'>
/** One run of a worker process; a restarted process is another worker. */
export type WorkerId = Brand<string, 'WorkerId'>
/** What a worker offers and a step asks for. */
export type HandlerName = Brand<string, 'HandlerName'>
/** SHA-256 of a template's canonical content, 64 hexadecimal digits. */
export type TemplateHash = Brand<string, 'TemplateHash'>
/** A number from 0 to the log's partition count less one. */
export type Partition = Brand<number, 'Partition'>
/** Place in a stream, from 1. */
export type Version = Brand<number, 'Version'>

export const stepId = (name: string): StepId => name as StepId
export const namespaceOf = (name: string): Namespace => name as Namespace
export const workerId = (id: string): WorkerId => id as WorkerId
export const handlerName = (name: string): HandlerName => name as HandlerName
export const templateHash = (hex: string): TemplateHash => hex as TemplateHash
export const partitionNumber = (n: number): Partition => n as Partition
export const versionNumber = (n: number): Version => n as Version

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const TASK_ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/
const TIME_CHARACTERS = 10
const RANDOM_BYTES = 10

/** The id a text spells, in either case, or undefined when it is no ULID. */
export const parseTaskId = (text: string): TaskId | undefined => {
  const upper = text.toUpperCase()
  return TASK_ID.test(upper) ? (upper as TaskId) : undefined
}

/** The ULID of a moment and 80 random bits. https://github.com/ulid/spec */
export const taskIdFrom = (epochMs: number, random: Uint8Array): TaskId => {
  invariant(random.length >= RANDOM_BYTES, 'a task id needs 10 random bytes')
  let time = ''
  let rest = Math.trunc(epochMs)
  for (let i = 0; i < TIME_CHARACTERS; i++) {
    time = CROCKFORD.charAt(rest % 32) + time
    rest = Math.floor(rest / 32)
  }
  let tail = ''
  let bits = 0
  let value = 0
  for (let i = 0; i < RANDOM_BYTES; i++) {
    value = ((value << 8) | (random[i] ?? 0)) & 0x1fff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      tail += CROCKFORD.charAt((value >> bits) & 31)
    }
  }
  return (time + tail) as TaskId
}

/** The milliseconds since 1970 in a ULID's first ten characters. */
export const taskIdTime = (id: TaskId): number => {
  let ms = 0
  for (let i = 0; i < TIME_CHARACTERS; i++) ms = ms * 32 + CROCKFORD.indexOf(id.charAt(i))
  return ms
}

/** The partition a task lives in: the first 20 random bits of its id, modulo the count. */
export const partitionOfTask = (id: TaskId, partitionCount: number): Partition => {
  let bits = 0
  for (let i = TIME_CHARACTERS; i < TIME_CHARACTERS + 4; i++) bits = bits * 32 + CROCKFORD.indexOf(id.charAt(i))
  return (bits % partitionCount) as Partition
}
