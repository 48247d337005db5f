// The rules of the streams, passed by the real server on a real database.
import { startServer } from '@tasker/server/internal/compose'
import { conformance } from '../../conformance/conformance.js'
import { freshDatabase } from '../../support/postgres.js'

conformance('the server on PostgreSQL', async () => {
  const database = await freshDatabase()
  const server = await startServer({
    databaseUrl: database.url,
    host: '127.0.0.1',
    restPort: 0,
    grpcPort: 0,
    partitionCount: 4,
    logLevel: 'warn',
    databaseConnections: 4,
    appendConnections: 1,
    appendBatchMax: 200,
    cacheBytesMax: 64 * 1024 * 1024,
    projectionIntervalMs: 50,
    workerGraceMs: 1_000,
    workerSilenceMs: 1_200,
    cancelGraceMs: 5_000,
    stopDeadlineMs: 2_000,
    templateReplace: false,
  })
  return {
    grpcUrl: server.grpcUrl,
    stop: async () => {
      await server.stop()
      await database.drop()
    },
  }
})
