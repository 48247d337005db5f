/** The suite every server passes: the numbered rules of the streams, seen through the .proto files alone. */
import { afterAll, beforeAll, describe } from 'vitest'
import type { ConformanceServer } from './ground.js'
import { outcomeRules } from './outcome-rules.js'
import { sessionRules } from './session-rules.js'
import { workerRules } from './worker-rules.js'

/** `startServer` is called once; a grace and a silence of about a second keep the suite short. */
export const conformance = (name: string, startServer: () => Promise<ConformanceServer>): void => {
  describe(name, () => {
    let server: ConformanceServer | undefined
    beforeAll(async () => {
      server = await startServer()
    })
    afterAll(() => server?.stop())
    const running = (): ConformanceServer => {
      if (server === undefined) throw new Error('the server was not started')
      return server
    }
    describe('the worker’s stream', () => workerRules(running))
    describe('what a worker’s result may say', () => outcomeRules(running))
    describe('the client’s stream', () => sessionRules(running))
  })
}
