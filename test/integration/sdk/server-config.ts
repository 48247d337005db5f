/** The settings of a server that a test of the SDK talks to: any free ports, short waits. */
import type { ServerConfig } from '@tasker/server/internal/config'

export const serverConfig = (databaseUrl: string): ServerConfig => ({
  databaseUrl,
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
  workerGraceMs: 5_000,
  workerSilenceMs: 6_000,
  cancelGraceMs: 5_000,
  stopDeadlineMs: 2_000,
  templateReplace: false,
  eventsTransport: 'pgmq',
  rabbitmqUrl: 'amqp://127.0.0.1:1',
  rabbitmqExchange: 'tasker.domain_events',
  environment: '',
})
