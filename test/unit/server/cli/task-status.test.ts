/** The command line knows every status there is. */
import { ENDED_STATUSES, OPEN_STATUSES } from '@tasker/server/internal/cli/task-status'
import { TASK_STATUSES } from '@tasker/server/internal/query/rows'
import { expect, test } from 'vitest'

test('each status is of a task that is over, or of one that is not', () => {
  expect([...OPEN_STATUSES, ...ENDED_STATUSES].toSorted()).toEqual(TASK_STATUSES.toSorted())
})
