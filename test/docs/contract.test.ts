/** The contract says what the code has: limits, settings, commands, addresses, calls, states, parts that are refused. */
import { readdirSync } from 'node:fs'
import { LIMITS } from '@tasker/core'
import { runCommandLine } from '@tasker/server/internal/cli/program'
import { EXIT } from '@tasker/server/internal/cli/exit'
import { terminalOver } from '@tasker/server/internal/cli/terminal'
import { SETTINGS } from '@tasker/server/internal/config'
import { PassThrough, Readable } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { REPOSITORY } from '../support/processes.js'
import { pageText, plain, rowsOf, sectionOf } from './markdown.js'

const contract = pageText('docs/contract.md')
const bodyOf = (heading: string): readonly (readonly string[])[] => rowsOf(sectionOf(contract, heading)).slice(1)

test('the limits are those of the code, by name and value', () => {
  const listed = bodyOf('Limits').map(([name, value]) => [plain(name), Number((value ?? '').replaceAll(',', ''))])
  expect(listed).toEqual(Object.entries(LIMITS))
})

test('the settings are those of the code, with flag, default and meaning', () => {
  const listed = bodyOf('Settings of the server').map((cells) => cells.map(plain))
  const real = SETTINGS.map(({ variable, flag, fallback, meaning }) => [variable, flag, fallback ?? 'must be given', meaning])
  expect(listed).toEqual(real)
})

test('the exit codes are those of the code', () => {
  const rows = rowsOf(sectionOf(contract, 'Commands')).filter(([cell]) => /^\d$/.test(cell ?? ''))
  expect(rows.map(([cell]) => Number(cell))).toEqual(Object.values(EXIT))
})

/** What `--help` of a command lists as its commands. */
const commandsUnder = async (...command: readonly string[]): Promise<readonly string[]> => {
  const out = new PassThrough()
  const host = { environment: {}, stdin: Readable.from([]), terminal: () => terminalOver(out, out, false) }
  expect(await runCommandLine([...command, '--help'], host)).toBe(0)
  out.end()
  const list = /\nCommands:\n([\s\S]*?)(?:\n\n|$)/.exec(await textOf(out))?.[1] ?? ''
  return [...list.matchAll(/^ {2}(\S+)/gm)].flatMap(([, name]) => (name === undefined || name === 'help' ? [] : [name]))
}

test('the commands of the program are listed, and no others', async () => {
  const listed = bodyOf('Commands').flatMap(([cell = '']) =>
    [...cell.matchAll(/`tasker ([a-z]+)(?: ([a-z|]+))?/g)].flatMap(([, group = '', names]) =>
      names === undefined ? [group] : names.split('|').map((name) => `${group} ${name}`),
    ),
  )
  const groups = await commandsUnder()
  const real = await Promise.all(
    groups.map(async (group) => {
      const names = await commandsUnder(group)
      return names.length === 0 ? [group] : names.map((name) => `${group} ${name}`)
    }),
  )
  expect(listed.toSorted()).toEqual(real.flat().toSorted())
})

test('every call of the protocol is listed under its service', () => {
  const rows = bodyOf('gRPC \\(port 9190, package `tasker.v1`\\)')
  const folder = `${REPOSITORY}/proto/tasker/v1`
  const services = readdirSync(folder).flatMap((file) => {
    const text = pageText(`proto/tasker/v1/${file}`)
    return [...text.matchAll(/^service (\w+) \{\n([\s\S]*?)^\}/gm)].map(([, name = '', body = '']) => ({
      name,
      calls: [...body.matchAll(/^ {2}rpc (\w+)/gm)].flatMap(([, call]) => call ?? []),
    }))
  })
  expect(services.length).toBeGreaterThan(2)
  for (const { name, calls } of services) {
    const cell = rows.find(([service]) => plain(service) === name)?.[1] ?? ''
    expect(
      [...cell.matchAll(/`(\w+)`/g)].flatMap(([, call]) => call ?? []),
      name,
    ).toEqual(calls)
  }
})

test('every state of a step is named', () => {
  const source = pageText('core/src/task/state.ts')
  const names = [...source.matchAll(/readonly status: ('[a-z_' |]+')/g)].flatMap(
    ([, union = '']) => union.match(/[a-z_]+/g) ?? [],
  )
  expect(names.length).toBeGreaterThan(5)
  expect(names.filter((name) => !sectionOf(contract, 'States').includes(`\`${name}\``))).toEqual([])
})

test('every address of the REST door is listed, with its method', () => {
  const folder = `${REPOSITORY}/server/src/rest/routes`
  const real = readdirSync(folder).flatMap((file) =>
    [...pageText(`server/src/rest/routes/${file}`).matchAll(/app\.(get|post|delete|patch|put)\(\s*'([^']+)'/g)].map(
      ([, method = '', path = '']) => `${method.toUpperCase()} ${path.replaceAll(/:(\w+)/g, '{$1}')}`,
    ),
  )
  expect(real.length).toBeGreaterThan(20)
  const listed = bodyOf('REST \\(port 8080\\)').flatMap(([cell = '']) => addressesIn(cell))
  expect(real.filter((address) => !listed.includes(address))).toEqual([])
})

/** `GET /a`, `/b` is two addresses of one method; what follows `?` are parameters; `…/x` goes on the address before. */
const addressesIn = (cell: string): readonly string[] => {
  let method = ''
  let before = ''
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => {
    const [, verb = '', address = ''] = /^(?:([A-Z]+) )?(\S+)$/.exec(text) ?? []
    if (verb !== '') method = verb
    before = address.replace(/^…/, before.replace(/\/[^/]+$/, '')).replace(/\?.*$/, '')
    return `${method} ${before}`
  })
}
