/** Settings come from flags, then the environment, then defaults, and every wrong one is reported at once. */
import { readServerConfig, SETTINGS, settingsTable } from '@tasker/server/internal/config'
import { redactedConfig, withoutPassword } from '@tasker/server/internal/config/redacted'
import { describe, expect, test } from 'vitest'

const DATABASE_URL = 'postgres://ann:secret@db.test:5432/tasker'

const configOf = (environment: { [name: string]: string }, flags = {}) => {
  const answer = readServerConfig(environment, flags)
  if (answer.type === 'invalid') throw new Error(JSON.stringify(answer.problems))
  return answer.config
}

describe('settings of the server', () => {
  test('a database URL alone is enough', () => {
    expect(configOf({ DATABASE_URL })).toMatchObject({
      databaseUrl: DATABASE_URL,
      host: '127.0.0.1',
      restPort: 8080,
      grpcPort: 9190,
      partitionCount: 16,
      workerGraceMs: 10_000,
      workerSilenceMs: 30_000,
      cancelGraceMs: 10_000,
      templateReplace: false,
      environment: '',
    })
  })

  test('a flag wins over the environment, which wins over the default', () => {
    const config = configOf({ DATABASE_URL, TASKER_REST_PORT: '1', TASKER_GRPC_PORT: '2' }, { restPort: '3' })
    expect([config.restPort, config.grpcPort]).toEqual([3, 2])
  })

  test('an empty variable counts as not set', () => {
    expect(configOf({ DATABASE_URL, TASKER_HOST: '', TASKER_PARTITIONS: '' })).toMatchObject({
      host: '127.0.0.1',
      partitionCount: 16,
    })
  })

  test('all problems are told at once, each with the name of its variable', () => {
    const answer = readServerConfig({ TASKER_REST_PORT: '70000', TASKER_LOG_LEVEL: 'loud', TASKER_PARTITIONS: '-1' })
    expect(answer).toEqual({
      type: 'invalid',
      problems: [
        { variable: 'DATABASE_URL', flag: '--database-url', message: 'is not set' },
        { variable: 'TASKER_REST_PORT', flag: '--rest-port', message: "'70000' is above 65535" },
        { variable: 'TASKER_PARTITIONS', flag: '--partitions', message: "'-1' is not a whole number" },
        {
          variable: 'TASKER_LOG_LEVEL',
          flag: '--log-level',
          message: "'loud' is not one of trace, debug, info, warn, error, silent",
        },
      ],
    })
  })

  test('a wrong database URL is told without showing it', () => {
    const answer = readServerConfig({ DATABASE_URL: 'mysql://ann:secret@db.test/tasker' })
    expect(answer.type).toBe('invalid')
    expect(JSON.stringify(answer)).not.toContain('secret')
  })

  test('the view for people has every setting and no password', () => {
    const view = redactedConfig(configOf({ DATABASE_URL: `${DATABASE_URL}?sslpassword=hush` }))
    expect(Object.keys(view)).toEqual(SETTINGS.map(({ variable }) => variable))
    expect(view['DATABASE_URL']).toBe('postgres://ann:***@db.test:5432/tasker?***')
  })

  test('what is no URL is not shown at all', () => {
    expect(withoutPassword('host=db password=secret')).toBe('***')
  })

  test('ages of tasks are checked, and need a place for archives', () => {
    const problemsOf = (settings: Record<string, string>) => {
      const answer = readServerConfig({ DATABASE_URL, ...settings })
      return answer.type === 'valid' ? [] : answer.problems.map(({ variable, message }) => `${variable} ${message}`)
    }
    expect(problemsOf({ TASKER_RETENTION: 'shop=30d,*=keep', TASKER_ARCHIVE_DIR: '/archives' })).toEqual([])
    expect(problemsOf({ TASKER_RETENTION: '*=keep' })).toEqual([])
    expect(problemsOf({ TASKER_RETENTION: 'shop=30d' })).toEqual([
      "TASKER_ARCHIVE_DIR '' is empty, and TASKER_RETENTION says that tasks are archived",
    ])
    expect(problemsOf({ TASKER_RETENTION: 'shop', TASKER_ARCHIVE_DIR: '/archives' })).toEqual([
      "TASKER_RETENTION 'shop' has 'shop', which is not like shop=30d",
    ])
  })

  test('the table names every variable and flag', () => {
    const table = settingsTable()
    for (const { variable, flag } of SETTINGS) {
      expect(table).toContain(variable)
      expect(table).toContain(flag)
    }
  })
})
