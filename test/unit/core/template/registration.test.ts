import {
  fold,
  latestRegistered,
  namespaceOf,
  NO_TEMPLATE,
  templateHash,
  templateStream,
  type RegisterTemplate,
  type TemplateEvent,
  type TemplateStream,
} from '@tasker/core'
import { describe, expect, test } from 'vitest'

const register = (version: string, content: string, replace = false): RegisterTemplate => ({
  type: 'register',
  namespace: namespaceOf('shop'),
  name: 'order',
  version,
  hash: templateHash(`hash of ${content}`),
  content,
  replace,
})

const decided = (state: TemplateStream, command: RegisterTemplate): readonly TemplateEvent[] => {
  const decision = templateStream.decide(state, command)
  if (decision.type === 'refused') throw new Error(decision.refusal.message)
  return decision.events
}

const after = (...commands: readonly RegisterTemplate[]): TemplateStream =>
  commands.reduce((state, command) => fold(templateStream.evolve, state, decided(state, command)), NO_TEMPLATE)

describe('registering', () => {
  test('a new version is recorded with its content', () => {
    expect(decided(NO_TEMPLATE, register('1.0.0', 'A'))).toEqual([
      { type: 'template.registered', namespace: 'shop', name: 'order', version: '1.0.0', hash: 'hash of A', content: 'A' },
    ])
  })

  test('the same content again records nothing', () => {
    expect(decided(after(register('1.0.0', 'A')), register('1.0.0', 'A'))).toEqual([])
    expect(decided(after(register('1.0.0', 'A')), register('1.0.0', 'A', true))).toEqual([])
  })

  test('other content under the same version is refused, with what is there', () => {
    const decision = templateStream.decide(after(register('1.0.0', 'A')), register('1.0.0', 'B'))
    expect(decision).toMatchObject({
      type: 'refused',
      refusal: { code: 'CONFLICT', reason: 'TEMPLATE_CONFLICT', registered: 'A', hash: 'hash of A' },
    })
  })

  test('other content takes the place of what is there when that is asked for, and the old content stays known', () => {
    const state = after(register('1.0.0', 'A'), register('1.0.0', 'B', true))
    expect(state.versions.get('1.0.0')?.content).toBe('B')
    expect([...state.contents.values()].map(({ content }) => content)).toEqual(['A', 'B'])
  })

  test('a replaced content may come back', () => {
    const state = after(register('1.0.0', 'A'), register('1.0.0', 'B', true))
    expect(decided(state, register('1.0.0', 'A', true))).toMatchObject([{ type: 'template.replaced', content: 'A' }])
  })

  test('the latest is the highest release, not the one registered last', () => {
    const state = after(register('1.10.0', 'A'), register('2.0.0-rc.1', 'B'), register('1.9.0', 'C'))
    expect(latestRegistered(state)?.version).toBe('1.10.0')
    expect(latestRegistered(NO_TEMPLATE)).toBeUndefined()
  })
})
