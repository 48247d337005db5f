/** Tries again what failed for a reason that passes, a bounded number of times with growing pauses. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Fault } from '../faults.js'
import { faultOf } from './exit.js'

export interface RepeatPolicy {
  readonly triesMax: number
  /** Pause before the second try; doubled before each further one. */
  readonly firstPauseMs: number
  readonly pauseMsMax: number
}

export const SUBMIT_REPEATS: RepeatPolicy = { triesMax: 5, firstPauseMs: 200, pauseMsMax: 2_000 }

/** `work` must be safe to repeat. The last fault is thrown when all tries are used, or at once when a repeat cannot help. */
export const repeated = async <T>(
  policy: RepeatPolicy,
  work: () => Promise<T>,
  onRepeat: (fault: Fault, tryNumber: number) => void,
  signal?: AbortSignal,
): Promise<T> => {
  for (let tryNumber = 1; ; tryNumber++) {
    try {
      return await work()
    } catch (thrown) {
      const fault = faultOf(thrown)
      if (tryNumber >= policy.triesMax || !mayPass(fault)) throw fault
      onRepeat(fault, tryNumber)
      const drawnMs = Math.min(policy.firstPauseMs * 2 ** (tryNumber - 1), policy.pauseMsMax)
      await pause(Math.max(drawnMs, Math.min(fault.detail.retryAfterMs ?? 0, policy.pauseMsMax)), undefined, signal && { signal })
    }
  }
}

const mayPass = (fault: Fault): boolean =>
  fault.detail.retryable ?? (fault.code === 'UNAVAILABLE' || fault.code === 'BACKPRESSURE')
