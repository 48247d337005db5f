/** What the engine sees of queues that nobody serves and of handlers that are heard. */
import type { EngineWatch } from './api.js'
import type { EngineParts } from './engine-parts.js'

export const engineWatch = ({ unserved, workers }: Pick<EngineParts, 'unserved' | 'workers'>): EngineWatch => ({
  unservedQueues: () => unserved.list(),
  queueProblem: (namespace, handler) => unserved.problem(namespace, handler),
  heardSteps: (taskId) => workers.heardSteps(taskId),
})
