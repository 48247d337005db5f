import { RetainedTail } from '@tasker/server/internal/projections/retained-tail'
import { expect, test } from 'vitest'

test('what is projected while nobody reads is forgotten at once', () => {
  const tail = new RetainedTail<string>()
  tail.retire(['a'])
  expect([...tail.entries()]).toEqual([])
})

test('what is projected during a read stays until that read has ended', () => {
  const tail = new RetainedTail<string>()
  const release = tail.hold()
  tail.retire(['a'])
  expect([...tail.entries()]).toEqual(['a'])
  release()
  expect([...tail.entries()]).toEqual([])
})

test('a read that began later does not keep what was projected before it', () => {
  const tail = new RetainedTail<string>()
  const first = tail.hold()
  tail.retire(['a'])
  const second = tail.hold()
  tail.retire(['b'])
  first()
  expect([...tail.entries()]).toEqual(['b'])
  second()
  expect([...tail.entries()]).toEqual([])
})

test('reads that overlap for ever do not make it grow', () => {
  const tail = new RetainedTail<number>()
  let release = tail.hold()
  for (let n = 0; n < 1_000; n++) {
    tail.retire([n])
    const next = tail.hold()
    release()
    release = next
  }
  expect([...tail.entries()].length).toBeLessThan(3)
})
