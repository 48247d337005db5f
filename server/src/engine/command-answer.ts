/** What a caller of a command is told of its end. */
import type { CommandAnswer } from './api.js'
import { commitLost, notStorable } from './engine-faults.js'
import type { Applied } from './task-runtime.js'
import type { TaskStream } from './task-stream.js'

export const commandAnswer = (stream: TaskStream, applied: Applied): CommandAnswer => {
  const { taskId, partition } = stream
  switch (applied.type) {
    case 'durable':
      return { type: 'done', taskId, token: `${partition}:${applied.seq}` }
    case 'unchanged':
      return { type: 'done', taskId, token: `${partition}:0` }
    case 'refused':
      return { type: 'refused', refusal: applied.refusal }
    case 'lost':
      return {
        type: 'failed',
        fault: applied.settled.reason === 'refused' ? notStorable(applied.settled.message) : commitLost(applied.settled.message),
      }
    case 'quarantined':
      return { type: 'failed', fault: notStorable(applied.message) }
  }
}
