import { IdentityLines } from '@tasker/server/internal/engine/identity-lines'
import { expect, test } from 'vitest'
import { gate } from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

test('decisions about one identity are made one after another, about others at once', async () => {
  const lines = new IdentityLines()
  const made: string[] = []
  const first = gate()
  const decision =
    (name: string, passed: Promise<void> = Promise.resolve()) =>
    async () => {
      made.push(`${name} begins`)
      await passed
      made.push(`${name} ends`)
    }
  lines.run('a', decision('a1', first.passed))
  lines.run('a', decision('a2'))
  lines.run('b', decision('b1'))
  await settled()
  expect(made).toEqual(['a1 begins', 'b1 begins', 'b1 ends'])
  first.open()
  await settled()
  expect(made.slice(3)).toEqual(['a1 ends', 'a2 begins', 'a2 ends'])
})
