// The rules of the streams, passed by the real server on a real database.
import { startServer } from '@tasker/server/internal/compose'
import { conformance } from '../../conformance/conformance.js'
import { freshDatabase } from '../../support/postgres.js'
import { serverConfig } from '../sdk/server-config.js'

conformance('the server on PostgreSQL', async () => {
  const database = await freshDatabase()
  // Short, so that a lost worker is lost within the test.
  const server = await startServer({ ...serverConfig(database.url), workerGraceMs: 1_000, workerSilenceMs: 1_200 })
  return {
    grpcUrl: server.grpcUrl,
    stop: async () => {
      await server.stop()
      await database.drop()
    },
  }
})
