/**
 * What must be so of conditions, joins, failures and ways back after every run.
 *
 * I16  When taking back begins nothing of the task is active, and from then on only ways back are.
 * I17  A step is taken back at most once, and only after everything that built on it and completed was.
 * I18  A task that ended after its compensation was taken back in full.
 * I19  A step that was skipped never starts.
 * I20  A blocked task holds up only steps that wait for a failure: nothing that could begin was left behind.
 */
import type { LiveTask, RecordedTaskEvent, TaskEvent, TaskId } from '@tasker/core'

interface Folded {
  readonly taskId: TaskId
  readonly events: readonly RecordedTaskEvent[]
  readonly task: LiveTask
}

export const failuresHold = (folded: Folded): readonly string[] => [
  ...nothingRunsBeside(folded),
  ...inReverse(folded),
  ...takenBackInFull(folded),
  ...skippedStay(folded),
  ...onlyWhatWaitsIsHeld(folded),
]

/** The events from which on attempts are those of ways back. */
export const taking = (events: readonly RecordedTaskEvent[]): number => {
  const place = events.findIndex(({ event }) => event.type === 'compensation.started')
  return place === -1 ? events.length : place
}

const nothingRunsBeside = ({ taskId, events }: Folded): readonly string[] => {
  const active = new Set<string>()
  const complete = new Set<string>()
  const wrong: string[] = []
  let undoing = false
  for (const { event } of events) {
    if (event.type === 'compensation.started') {
      undoing = true
      if (active.size > 0) wrong.push(`I16 ${[...active].join(', ')} of ${taskId} was active when taking back began`)
    }
    if (event.type === 'step.scheduled' || event.type === 'step.retry_scheduled') {
      active.add(event.step)
      if (undoing && !complete.has(event.step)) wrong.push(`I16 ${event.step} of ${taskId} is tried while others are taken back`)
    }
    if (!('step' in event)) continue
    if (isDone(event) && !undoing) complete.add(event.step)
    if (hasEnded(event)) active.delete(event.step)
  }
  return wrong
}

type Done = Extract<TaskEvent, { readonly type: 'step.completed' | 'step.completed_manually' }>

/** The step has a result, its worker's or a person's. */
const isDone = (event: TaskEvent): event is Done => event.type === 'step.completed' || event.type === 'step.completed_manually'

const hasEnded = (event: TaskEvent): boolean =>
  isDone(event) ||
  event.type === 'step.resolved_manually' ||
  event.type === 'step.cancelled' ||
  ((event.type === 'step.failed' || event.type === 'step.timed_out') && event.permanent)

const inReverse = ({ taskId, events, task }: Folded): readonly string[] => {
  const begins = taking(events)
  const complete = completedIn(events.slice(0, begins))
  const hasWayBack = (name: string): boolean =>
    task.graph.steps.some((step) => step.name === name && step.compensate !== undefined)
  const undone = new Set<string>()
  const wrong: string[] = []
  for (const { event } of events.slice(begins)) {
    if (event.type === 'step.started') {
      const early = builtOn(task, event.step).filter((name) => complete.has(name) && hasWayBack(name) && !undone.has(name))
      if (early.length > 0) wrong.push(`I17 ${event.step} of ${taskId} is taken back before ${early.join(', ')}`)
    }
    if (!isDone(event) && event.type !== 'step.resolved_manually') continue
    if (undone.has(event.step)) wrong.push(`I17 ${event.step} of ${taskId} was taken back twice`)
    undone.add(event.step)
  }
  return wrong
}

const completedIn = (events: readonly RecordedTaskEvent[]): ReadonlySet<string> =>
  new Set(events.flatMap(({ event }) => (isDone(event) ? [event.step] : [])))

/** The names of all steps that depend on a step, directly or not. */
const builtOn = ({ graph }: LiveTask, name: string): readonly string[] => {
  const names = new Set([name])
  let before = 0
  while (before < names.size) {
    before = names.size
    for (const step of graph.steps) if (step.dependencies.some((dependency) => names.has(dependency))) names.add(step.name)
  }
  names.delete(name)
  return [...names]
}

const takenBackInFull = ({ taskId, events, task }: Folded): readonly string[] => {
  if (!events.some(({ event }) => event.type === 'compensation.completed')) return []
  const complete = completedIn(events.slice(0, taking(events)))
  return task.graph.steps.flatMap(({ name, compensate }, index) => {
    const status = task.steps[index]?.status
    // A person may have closed the way back.
    return compensate === undefined || !complete.has(name) || status === 'compensated' || status === 'resolved_manually'
      ? []
      : [`I18 ${name} of ${taskId} is ${status} after the compensation`]
  })
}

const skippedStay = ({ taskId, events }: Folded): readonly string[] => {
  const skipped = new Set<string>()
  const wrong: string[] = []
  for (const { event } of events) {
    if (event.type === 'step.skipped') skipped.add(event.step)
    if (event.type === 'step.started' && skipped.has(event.step))
      wrong.push(`I19 ${event.step} of ${taskId} was skipped and started`)
  }
  return wrong
}

const onlyWhatWaitsIsHeld = ({ taskId, task }: Folded): readonly string[] => {
  if (task.phase !== 'blocked') return []
  return task.graph.steps.flatMap(({ name, dependencies }, index) => {
    if (task.steps[index]?.status !== 'pending') return []
    const held = dependencies.some((dependency) => {
      const status = task.steps[task.graph.indexOf.get(dependency) ?? -1]?.status
      return status !== 'complete' && status !== 'skipped' && status !== 'not_taken' && status !== 'resolved_manually'
    })
    return held ? [] : [`I20 ${name} of ${taskId} waits for nothing and was left behind`]
  })
}
