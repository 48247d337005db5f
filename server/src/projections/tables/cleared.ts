/** The tasks whose stored ready and timer rows go before their new ones come. */
import { textArray } from '../../database/binary-array.js'
import type { TableWrite } from './table-write.js'

export const CLEARED: TableWrite = {
  types: ['text[]'],
  sql: ([tasks]) => `cleared_ready as (
  delete from ready_step r using agreed where r.task_id = any(${tasks}) returning 1
), cleared_timers as (
  delete from timer t using agreed where t.task_id = any(${tasks}) returning 1
)`,
  values: ({ cleared }) => [textArray(cleared)],
}
