/** Each page of the catalogue says the statuses the doors answer with, and the indexes leave nothing out. */
import { status as grpcStatus } from '@grpc/grpc-js'
import { statusOf } from '@tasker/server/internal/grpc/errors'
import { problemOf } from '@tasker/server/internal/rest/problem'
import type { FaultCode } from '@tasker/server/internal/faults'
import { describe, expect, test } from 'vitest'
import { pages, pageText, plain, rowsOf, sectionOf } from './markdown.js'

const PAGES = 'docs/errors/'
const reasons = pages()
  .filter((path) => /^docs\/errors\/[A-Z0-9_]+\.md$/.test(path))
  .map((path) => path.slice(PAGES.length, -'.md'.length))

const CODES: readonly FaultCode[] = [
  ...(['NOT_FOUND', 'CONFLICT', 'INVALID_INPUT', 'INVALID_STATE', 'UNAUTHENTICATED', 'FORBIDDEN'] as const),
  ...(['TOO_LARGE', 'BACKPRESSURE', 'UNAVAILABLE', 'INTERNAL'] as const),
]
const codeIn = (text: string): FaultCode | undefined => CODES.find((code) => code === text)

const NONE = '—'
/** Reasons whose own status follows from the codes of their places. */
const ERRORS_OF: {
  readonly [reason: string]: readonly { readonly code: string; readonly message: string; readonly path: string }[]
} = {
  TEMPLATE_UNREADABLE: [{ code: 'YAML_SYNTAX', message: '', path: '' }],
}

const statusesOf = (code: FaultCode, reason: string): { readonly http: string; readonly grpc: string } => {
  const detail = { code, reason, message: '', ...(ERRORS_OF[reason] === undefined ? {} : { errors: ERRORS_OF[reason] }) }
  const name = Object.entries(grpcStatus).find(([, number]) => Number(number) === statusOf(detail))?.[0] ?? ''
  return { http: String(problemOf(detail, '/').status), grpc: name }
}

/** What is wrong with the table of a page. */
const statusProblems = (reason: string, text: string): readonly string[] => {
  const cells = rowsOf(text)[1]?.map(plain) ?? []
  const [category = '', http = '', grpc = ''] = cells
  if (cells.length !== 5) return [`${reason}: has no table of five columns`]
  if (category === NONE) return http === NONE && grpc === NONE ? [] : [`${reason}: a status without a category`]
  const code = codeIn(category)
  if (code === undefined) return [`${reason}: ${category} is no category`]
  const real = statusesOf(code, reason)
  return [
    ...(http === NONE || http === real.http ? [] : [`${reason}: HTTP ${real.http}, not ${http}`]),
    ...(grpc === NONE || grpc === real.grpc ? [] : [`${reason}: gRPC ${real.grpc}, not ${grpc}`]),
  ]
}

describe('pages of reasons', () => {
  test('there are many', () => {
    expect(reasons.length).toBeGreaterThan(80)
  })

  test.each(reasons)('%s says its statuses, a likely cause and what to do', (reason) => {
    const text = pageText(`${PAGES}${reason}.md`)
    expect(statusProblems(reason, text)).toEqual([])
    expect(text).toMatch(/^\*\*Likely cause\.\*\* \S/m)
    expect(text).toMatch(/^\*\*What to do\.\*\* \S/m)
  })

  test('a wrong status is found', () => {
    const page = (http: string, grpc: string): string =>
      `| category | HTTP | gRPC | repeat | seen |\n| --- | --- | --- | --- | --- |\n| \`NOT_FOUND\` | ${http} | \`${grpc}\` | no | REST |\n`
    expect(statusProblems('X', page('404', 'NOT_FOUND'))).toEqual([])
    expect(statusProblems('X', page('400', 'ABORTED'))).toEqual(['X: HTTP 404, not 400', 'X: gRPC NOT_FOUND, not ABORTED'])
  })
})

describe('the index', () => {
  const index = pageText(`${PAGES}index.md`)

  test('lists every page, with what the page says', () => {
    const listed = rowsOf(index).flatMap((cells) => {
      const reason = /^\[([A-Z0-9_]+)\]\(\1\.md\)$/.exec(cells[0] ?? '')?.[1]
      return reason === undefined ? [] : [[reason, cells] as const]
    })
    expect(listed.map(([reason]) => reason).toSorted()).toEqual(reasons.toSorted())
    for (const [reason, cells] of listed) {
      expect(cells.slice(1, 4), reason).toEqual(rowsOf(pageText(`${PAGES}${reason}.md`))[1]?.slice(0, 3))
    }
  })

  test('names every category with its statuses', () => {
    const rows = rowsOf(index).filter(([cell]) => codeIn(plain(cell)) !== undefined)
    expect(rows.map(([cell]) => plain(cell))).toEqual(CODES)
    for (const [cell = '', http = '', grpc = ''] of rows) {
      const code = codeIn(plain(cell))
      if (code === undefined) continue
      const real = statusesOf(code, 'ANY')
      expect(http.startsWith(real.http), http).toBe(true)
      expect(grpc, grpc).toContain(`\`${real.grpc}\``)
    }
  })
})

test('every code of a template is explained and named in the contract', () => {
  const source = pageText('core/src/template/problem.ts')
  const union = (name: string): readonly string[] => {
    const text = new RegExp(`export type ${name} =([\\s\\S]*?)\\n\\n`).exec(source)?.[1] ?? ''
    return [...text.matchAll(/'([A-Z_]+)'/g)].flatMap(([, code]) => code ?? [])
  }
  const codes = [...union('TemplateProblemCode'), ...union('TemplateWarningCode'), ...union('TemplateNoteCode')]
  expect(codes.length).toBeGreaterThan(15)
  const explained = rowsOf(sectionOf(pageText(`${PAGES}template-problems.md`), 'Templates')).map(([cell]) => plain(cell))
  expect(explained.filter((cell) => /^[A-Z_]+$/.test(cell)).toSorted()).toEqual(codes.toSorted())
  const contract = sectionOf(pageText('docs/contract.md'), 'Templates')
  expect(codes.filter((code) => !contract.includes(`\`${code}\``))).toEqual([])
})
