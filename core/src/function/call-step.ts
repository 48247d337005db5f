/** The step of a call, beside the steps of the template. */
import type { StepId } from '../kernel/ids.js'
import type { StepSpec } from '../template/template.js'
import type { CallOf } from './call.js'

/** Nobody waits for it in the graph: its function hears how it ended, and its failure holds nothing up. */
export const callStep = (name: StepId, call: CallOf): StepSpec => ({
  name,
  description: undefined,
  type: 'standard',
  handler: { callable: call.callable, method: call.method, resolver: undefined, initialization: {} },
  dependencies: [],
  retry: call.retry,
  resultSchema: undefined,
  timeoutMs: call.timeoutMs,
  heartbeatMs: call.heartbeatMs,
  scheduleToStartMs: call.scheduleToStartMs,
  scheduleToCloseMs: call.scheduleToCloseMs,
  batchConfig: undefined,
  when: undefined,
  onFailure: 'continue',
  compensate: undefined,
  join: 'all',
  cancelRemaining: false,
  priority: call.priority,
  keys: [],
  publishes: [],
  lifecycle: undefined,
  call,
})
