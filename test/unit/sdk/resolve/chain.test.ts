// Which handler runs a step: the chain of resolvers, the resolver a template names, and look-ups of classes.
import { classLookup, defineStep, StepHandler, Worker, type HandlerResolver, type ResolvedHandler } from '@tasker/sdk'
import { chainOf } from '@tasker/sdk/internal/resolve/chain'
import { explicitMapping } from '@tasker/sdk/internal/resolve/explicit-mapping'
import { expect, test } from 'vitest'
import { command, failureOf, outputOf, ref, resultsOf } from '../scripted-server.js'
import { turn } from '../virtual-clock.js'
import { startWorker } from '../worker/started-worker.js'

const resolver = (
  name: string,
  priority: number,
  handlers: Record<string, ResolvedHandler | Promise<ResolvedHandler>>,
): HandlerResolver => ({
  name,
  priority,
  callables: () => Object.keys(handlers),
  resolve: ({ callable }) => handlers[callable],
})

const saying = (callable: string, said: string): ResolvedHandler => defineStep(callable, () => said)

const ran = async (options: Parameters<typeof startWorker>[0], commands: readonly ReturnType<typeof command>[]) => {
  const { server } = await startWorker(options)
  server.worker().send({ commands: commands.map((each, index) => ({ ...each, ref: ref(each.handler, index + 1) })) })
  await turn()
  const results = resultsOf(server.worker()).toSorted((one, other) => (one.ref?.attempt ?? 0) - (other.ref?.attempt ?? 0))
  return { results, announced: server.worker().received[0]?.hello?.handlers }
}

class Card extends StepHandler {
  readonly callable = 'ignored by look-ups'
  runs = 0
  call() {
    return `card ${++this.runs}`
  }
  refund() {
    return 'refunded'
  }
}

test('the lowest priority that finds a handler runs it, the explicit ones at 10', async () => {
  const { results, announced } = await ran(
    {
      handlers: [saying('a', 'explicit'), saying('b', 'explicit')],
      resolvers: [
        resolver('late', 200, { a: saying('a', 'late'), c: saying('c', 'late') }),
        resolver('early', 5, { b: saying('b', 'early') }),
      ],
    },
    [command('a'), command('b'), command('c')],
  )
  expect(results.map(outputOf)).toEqual(['explicit', 'early', 'late'])
  expect(announced).toEqual(['b', 'a', 'c'])
})

test('the resolver that a template names is asked alone, however its name is written', async () => {
  const options = {
    handlers: [saying('a', 'explicit')],
    resolvers: [resolver('payment_plans', 50, { a: saying('a', 'planned') })],
  }
  const { results } = await ran(options, [
    command('a', { resolver: 'payment_plans' }),
    command('a', { resolver: 'PaymentPlans' }),
    command('a', { resolver: 'ExplicitMapping' }),
    command('a', { resolver: 'of_another_worker' }),
    command('b', { resolver: 'payment_plans' }),
  ])
  expect(results.slice(0, 3).map(outputOf)).toEqual(['planned', 'planned', 'explicit'])
  expect(results.slice(3).map(failureOf)).toEqual([
    expect.objectContaining({
      code: 'HANDLER_NOT_FOUND',
      retryable: false,
      message: expect.stringContaining('of_another_worker') as string,
    }),
    expect.objectContaining({
      code: 'HANDLER_NOT_FOUND',
      retryable: false,
      message: expect.stringContaining('payment_plans') as string,
    }),
  ])
})

test('a class is found by its path with dots or colons, made once, and called by the method that the template names', async () => {
  class Bare {
    call() {
      return 'bare'
    }
  }
  const modules = { Billing: { Card, nested: { Bare } }, notAHandler: () => null, Text: 'x', Nothing: null }
  const { results, announced } = await ran({ resolvers: [classLookup(modules)] }, [
    command('Billing.Card'),
    command('Billing::Card'),
    command('Billing.Card', { method: 'refund' }),
    command('Billing.nested.Bare', { resolver: 'ClassLookup' }),
    command('Billing.Card', { method: 'constructor' }),
    command('Billing.toString'),
  ])
  expect(announced).toEqual([
    ...['Billing.Card', 'Billing.Card#refund', 'Billing::Card', 'Billing::Card#refund'],
    ...['Billing.nested.Bare', 'Billing::nested::Bare'],
  ])
  expect(results.slice(0, 4).map(outputOf)).toEqual(['card 1', 'card 2', 'refunded', 'bare'])
  expect(results.slice(4).map((result) => failureOf(result).code)).toEqual(['HANDLER_NOT_FOUND', 'HANDLER_NOT_FOUND'])
})

test('the next in the chain is asked when the one before has no such method', async () => {
  const { results } = await ran(
    { handlers: [saying('Card', 'a function')], resolvers: [resolver('objects', 20, { Card: new Card() })] },
    [command('Card'), command('Card', { method: 'refund' })],
  )
  expect(results.map(outputOf)).toEqual(['a function', 'refunded'])
})

test('a function may be offered for one method of a callable', async () => {
  const { results } = await ran({ handlers: [saying('Card', 'called'), saying('Card#refund', 'refunded')] }, [
    command('Card'),
    command('Card', { method: 'refund' }),
  ])
  expect(results.map(outputOf)).toEqual(['called', 'refunded'])
})

test('a resolver may take its time, is asked once for what it found, and its error is the failure of the attempt', async () => {
  let asked = 0
  const loading: HandlerResolver = {
    name: 'loading',
    priority: 20,
    callables: () => ['later', 'broken'],
    resolve: async ({ callable }) => {
      asked += 1
      if (callable === 'broken') throw new Error('no such module')
      return saying(callable, 'loaded')
    },
  }
  const { results } = await ran({ resolvers: [loading] }, [command('later'), command('broken')])
  expect(outputOf(results[0])).toBe('loaded')
  expect(failureOf(results[1])).toMatchObject({ message: 'no such module', retryable: true })
  const before = asked
  const { server } = await startWorker({ resolvers: [loading] })
  server.worker().send({ commands: [command('later')] })
  await turn()
  server.worker().send({ commands: [command('later', { ref: ref('later', 2) })] })
  await turn()
  expect(resultsOf(server.worker()).map(outputOf)).toEqual(['loaded', 'loaded'])
  // Two when the worker was made, one for the first of the two commands.
  expect(asked - before).toBe(3)
})

test('a handler without a callable, and two resolvers of one name, are refused at once', () => {
  class Bare {
    call() {
      return null
    }
  }
  expect(() => new Worker({ url: '', namespace: 'shop', handlers: [new Bare()] })).toThrow(/Bare has no callable/)
  const twice = [resolver('one', 1, {}), resolver('One', 2, {})]
  expect(() => new Worker({ url: '', namespace: 'shop', resolvers: twice })).toThrow(/two resolvers are called One/)
})

test('a chain waits only where one of its resolvers does', async () => {
  const chain = chainOf([
    explicitMapping([saying('a', 'at once')]),
    resolver('later', 20, { b: Promise.resolve(saying('b', 'later')), c: Promise.resolve(saying('c', 'later')) }),
  ])
  expect(chain.resolve({ callable: 'a', method: 'call' }, '')).toMatchObject({ type: 'found', handler: { subject: 'handler a' } })
  expect(await chain.resolve({ callable: 'b', method: 'call' }, '')).toMatchObject({ type: 'found' })
  expect(await chain.resolve({ callable: 'c', method: 'refund' }, '')).toEqual({
    type: 'none',
    why: 'no resolver of this worker finds the handler c#refund (asked: explicit_mapping, later)',
  })
})
