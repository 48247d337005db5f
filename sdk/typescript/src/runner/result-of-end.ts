/** How a function's end is written for the server (W25). */
import type { AttemptRef, StepResult } from '@tasker/proto'
import type { FunctionEnd } from '../durable/port.js'
import { failureOf } from '../errors/failure.js'
import { cancelledResult, failureResult } from '../worker/result.js'
import { textPayload } from './proposals.js'

export const resultOfEnd = (
  ref: AttemptRef,
  end: Exclude<FunctionEnd, { readonly type: 'continued' }>,
  bytesMax: number,
): StepResult => {
  switch (end.type) {
    case 'returned': {
      const payload = textPayload(end.result)
      const bytes = payload.data.length
      if (bytes <= bytesMax) return { ref, outcome: { $case: 'success', value: payload }, metadata: undefined, events: [] }
      const message = `the result of the function has ${bytes} bytes, at most ${bytesMax} are kept`
      return failureResult(ref, failureOf('RESULT_TOO_LARGE', message, false))
    }
    case 'failed':
      return failureResult(ref, end.failure)
    case 'cancelled':
      return cancelledResult(ref)
  }
}
