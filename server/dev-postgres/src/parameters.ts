/** Settings of a PostgreSQL that shares a small machine with the server. */

const PARAMETERS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '256MB',
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  wal_buffers: '16MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  jit: 'off',
  autovacuum_naptime: '15s',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
  timezone: 'UTC',
}

/** What may be lost when the machine loses power; for tests, whose data nobody wants afterwards. */
const RELAXED: Readonly<Record<string, string>> = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
const DURABLE: Readonly<Record<string, string>> = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' }

/** Arguments for `postgres`, the caller's settings last so that they win. */
export const serverArguments = (
  folder: string,
  port: number,
  durable: boolean,
  own: Readonly<Record<string, string>>,
): readonly string[] => {
  const settings = { ...PARAMETERS, ...(durable ? DURABLE : RELAXED), ...own }
  return ['-D', folder, '-p', String(port), ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}
