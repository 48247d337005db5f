/** What the engine sees of queues that nobody serves and of handlers that are heard. */
import { queueKey } from '../dispatch/worker.js'
import type { EngineWatch } from './api.js'
import type { EngineParts } from './engine-parts.js'

export const engineWatch = ({ unserved, workers }: Pick<EngineParts, 'unserved' | 'workers'>): EngineWatch => ({
  unservedQueues: () => unserved.list(),
  queueProblem: (namespace, handler) => unserved.problem(namespace, handler),
  serving: (namespace, handler) => workers.slotsOf(queueKey(namespace, handler)),
  heardSteps: (taskId) => workers.heardSteps(taskId),
})
