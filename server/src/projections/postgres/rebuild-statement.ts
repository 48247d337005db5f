/** The one statement that writes folded streams into the table beside the live one, and moves the rebuild on: both, or nothing (B1). */
import type pg from 'pg'
import { textArray } from '../../database/binary-array.js'
import { type Projection, projectionOf } from '../fold/projections.js'
import { placeholders } from '../tables/table-write.js'
import type { Rebuild, RebuildWrite } from '../rebuild/port.js'

/** The table beside the live one. */
export const besideOf = (name: string): string => `${name}_rebuild`

const PARAMETERS_BEFORE_ROWS = 7

const textOf = ({ name, types, insertSql }: Projection, clears: boolean): string => `
with agreed as (
  update projection_rebuild set turn = turn + 1, phase = $3, cursor = $4, targets = $5::jsonb, streams = streams + $6
  where name = $1 and turn = $2
  returning 1 as yes
), gone as (
  select id from unnest($7::text[]) as g(id)
), ${clears ? clearSql(name) : ''}
${insertSql(placeholders(PARAMETERS_BEFORE_ROWS + 1, types), besideOf(name), clears ? 'cleared' : undefined)}
select exists (select from agreed) as agreed`

const clearSql = (name: string): string => `cleared as (
  delete from ${besideOf(name)} old using gone, agreed where old.task_id = gone.id returning 1
),`

/** Answers one row `{agreed}`. */
export const rebuildStatement = (rebuild: Rebuild, { next, folded, replaced }: RebuildWrite): pg.QueryConfig => {
  const projection = projectionOf(rebuild.name)
  const gone = { folded: replaced.all, emptied: replaced.emptied, none: [] }[projection.clears]
  return {
    text: textOf(projection, gone.length > 0),
    values: [
      rebuild.name,
      rebuild.turn,
      next.phase,
      next.cursor,
      JSON.stringify(Object.fromEntries(next.targets)),
      folded.length,
      textArray(gone),
      ...projection.buffers(folded),
    ],
  }
}
