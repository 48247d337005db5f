/** The upkeep of projections as a test sets it: what was asked of it, and what it answers. */
import { instant } from '@tasker/core'
import type {
  ProjectionName,
  ProjectionStatus,
  ProjectionUpkeep,
  RowDifference,
  Verification,
} from '@tasker/server/internal/engine/api'

export interface ProjectionsUnderTest extends ProjectionUpkeep {
  verification: Verification | undefined
  readonly statuses: ProjectionStatus[]
  readonly rebuilt: string[]
}

export const DIFFERENCE: RowDifference = {
  projection: 'task',
  kind: 'changed',
  row: { task_id: '01JD0000000000000000000000' },
  column: 'status',
  expected: 'complete',
  found: 'pending',
  version: 9,
}

const statusOf = (name: ProjectionName): ProjectionStatus => ({
  name,
  version: 1,
  programVersion: 1,
  builtAt: instant(0),
  rebuild: undefined,
  finding: undefined,
})

export const runningVerification = (names: readonly ProjectionName[]): Verification => ({
  state: 'running',
  names,
  startedAt: instant(0),
  endedAt: undefined,
  streams: 0,
  differences: new Map(),
  first: undefined,
  unreadable: 0,
  firstUnreadable: undefined,
  notCompared: [],
  problem: undefined,
})

export const projectionsUnderTest = (): ProjectionsUnderTest => {
  const statuses = [statusOf('task'), statusOf('timer')]
  const rebuilt: string[] = []
  const double: ProjectionsUnderTest = {
    names: ['task', 'timer'],
    statuses,
    rebuilt,
    verification: undefined,
    findings: new Map(),
    status: () => Promise.resolve(statuses),
    rebuild: (name) => {
      const found = statuses.find((status) => status.name === name)
      if (found !== undefined) rebuilt.push(name)
      return Promise.resolve(found)
    },
    verify: (names) => {
      if (double.verification?.state === 'running') return 'running'
      return (double.verification = runningVerification(names))
    },
  }
  return double
}
