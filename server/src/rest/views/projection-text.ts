/** Projections as they are shown. */
import { instantText, type JsonText, jsonOf } from '@tasker/core'
import type { EngineHealth, ProjectionStatus, RowDifference, Verification } from '../../engine/api.js'
import { arrayText, objectText } from '../json-text.js'

export const projectionText = (status: ProjectionStatus, { projectionLags }: EngineHealth): JsonText =>
  jsonOf({
    name: status.name,
    version: status.version,
    program_version: status.programVersion,
    built_at: status.builtAt === undefined ? null : instantText(status.builtAt),
    lag_commits: projectionLags.reduce((sum, { commits }) => sum + commits, 0),
    lag_ms: Math.max(0, ...projectionLags.map(({ lagMs }) => lagMs)),
    rebuild:
      status.rebuild === undefined
        ? null
        : {
            version: status.rebuild.version,
            phase: status.rebuild.phase,
            streams: status.rebuild.streams,
            requested_at: instantText(status.rebuild.requestedAt),
            problem: status.rebuild.problem ?? null,
          },
    differences:
      status.finding === undefined
        ? null
        : {
            rows: status.finding.count,
            found_at: instantText(status.finding.foundAt),
            first: difference(status.finding.first),
          },
  })

export const projectionsText = (statuses: readonly ProjectionStatus[], health: EngineHealth): JsonText =>
  objectText({ projections: arrayText(statuses.map((status) => projectionText(status, health))) })

export const verificationText = (run: Verification): JsonText =>
  jsonOf({
    state: run.state,
    projections: [...run.names],
    started_at: instantText(run.startedAt),
    ended_at: run.endedAt === undefined ? null : instantText(run.endedAt),
    streams: run.streams,
    differences: Object.fromEntries(run.differences),
    first_difference: run.first === undefined ? null : difference(run.first),
    unreadable_streams: run.unreadable,
    first_unreadable: run.firstUnreadable === undefined ? null : { ...run.firstUnreadable },
    not_compared: [...run.notCompared],
    problem: run.problem ?? null,
  })

const difference = ({ projection, kind, row, column, expected, found, version }: RowDifference) => ({
  projection,
  kind,
  row: { ...row },
  column: column ?? null,
  expected: expected ?? null,
  found: found ?? null,
  version: version ?? null,
})
