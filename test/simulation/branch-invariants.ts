/**
 * What must be so of decisions, batches and checkpoints after every run.
 *
 * I9   What a decision or an analyzer opened stands right behind its end, in the same commit.
 * I10  No more workers of a batch are open at once than its parallelism allows.
 * I11  A task that is complete has no step that could still come.
 */
import type { LiveTask, RecordedTaskEvent, TaskEvent, TaskId } from '@tasker/core'

interface Folded {
  readonly taskId: TaskId
  readonly events: readonly RecordedTaskEvent[]
  readonly task: LiveTask
}

export const branchesHold = (folded: Folded): readonly string[] => [
  ...openedWithItsEnd(folded),
  ...batchesWithinParallelism(folded),
  ...nothingLeftOpen(folded),
]

const openedWithItsEnd = ({ taskId, events, task }: Folded): readonly string[] =>
  events.flatMap(({ event }, place) => {
    if (event.type !== 'step.completed') return []
    const type = task.graph.steps[task.graph.indexOf.get(event.step) ?? -1]?.type
    if (type !== 'decision' && type !== 'batchable') return []
    const next = events.slice(place + 1).find((later) => later.event.type !== 'domain_event.recorded')
    const cancelled = events.slice(0, place).some((earlier) => earlier.event.type === 'task.cancel_requested')
    if (cancelled || (next?.event.type === 'steps.created' && next.at === events[place]?.at)) return []
    return [`I9 ${event.step} of ${taskId} ended without what it opened`]
  })

const batchesWithinParallelism = ({ taskId, events, task }: Folded): readonly string[] =>
  task.batches.flatMap(({ spec, first, ranges }) => {
    const workers = new Set<string>(task.graph.steps.slice(first, first + ranges.length).map(({ name }) => name))
    const open = new Set<string>()
    let most = 0
    for (const { event } of events) {
      if (!('step' in event) || !workers.has(event.step)) continue
      if (event.type === 'step.scheduled') open.add(event.step)
      else if (hasEnded(event)) open.delete(event.step)
      most = Math.max(most, open.size)
    }
    return most <= spec.parallelism ? [] : [`I10 ${most} workers of a batch of ${taskId} were open; ${spec.parallelism} may be`]
  })

const hasEnded = (event: TaskEvent): boolean =>
  event.type === 'step.completed' ||
  event.type === 'step.cancelled' ||
  event.type === 'step.resolved_manually' ||
  event.type === 'step.completed_manually' ||
  ((event.type === 'step.failed' || event.type === 'step.timed_out') && event.permanent)

const nothingLeftOpen = ({ taskId, task }: Folded): readonly string[] => {
  if (task.phase !== 'completed') return []
  const { uncreated, pending, enqueued, in_progress, waiting_for_retry } = task.counts
  const open = uncreated + pending + enqueued + in_progress + waiting_for_retry
  return open === 0 ? [] : [`I11 ${taskId} is complete and ${open} of its steps could still come`]
}
