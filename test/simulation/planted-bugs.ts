/** Eight bugs that a test plants, to see that each is found: no check is trusted that was not seen to fail. Each is made anew for each world. */
import {
  decide,
  durationMs,
  evolve,
  fastDomainEvents,
  type LiveTask,
  type StepState,
  type TaskCommand,
  type TaskState,
} from '@tasker/core'
import { inBackground } from '@tasker/server/internal/background'
import type { TaskRules } from '@tasker/server/internal/engine/task-rules'
import type { AppendResult, EventLog, SequencedCommit } from '@tasker/server/internal/log/port'
import { Projector } from '@tasker/server/internal/projections/projector'
import { scanQueue } from '@tasker/server/internal/projections/queue-scan'
import { TimerWheel } from '@tasker/server/internal/timers/timer-wheel'
import type { PlantedBug } from './planted-bug.js'

/** True each time that many calls were made. */
const every = (count: number): (() => boolean) => {
  let calls = 0
  return () => ++calls % count === 0
}

/** An owner that was overtaken writes behind the one who has the partition now. */
const skipTheFence = (): PlantedBug => ({
  name: 'skip the fence',
  foundAs: /^I27 node-\d+ wrote/,
  log: (log) => ({
    ...log,
    append: async (rows) => {
      const result = await log.append(rows)
      return result.type === 'collided' && result.on.type === 'place' ? log.append(await behindTheTail(log, rows)) : result
    },
  }),
})

const behindTheTail = async (log: EventLog, rows: readonly SequencedCommit[]): Promise<readonly SequencedCommit[]> => {
  const heads = new Map<number, number>()
  const moved: SequencedCommit[] = []
  for (const { commit } of rows) {
    const seq = (heads.get(commit.partition) ?? (await log.head(commit.partition)).seq) + 1
    heads.set(commit.partition, seq)
    moved.push({ seq, commit })
  }
  return moved
}

/** A worker does not hear that its result is recorded. */
const dropAnAck = (): PlantedBug => {
  const isDropped = every(20)
  return {
    name: 'drop an ack',
    foundAs: /^I28 .* was never told of its result/,
    port: (port) => ({ ...port, ack: (ack) => (isDropped() ? undefined : port.ack(ack)) }),
  }
}

/** What an attempt says whose time was over counts as the word of the one that runs now. */
const applyALateResult = (): PlantedBug => ({
  name: 'apply a late result',
  foundAs: /^I25 a late result counts/,
  makers: () => ({
    rules: { decide: (state, command) => decide(state, asIfHeld(state, command)), evolve, fastDomainEvents },
  }),
})

const asIfHeld = (state: TaskState, command: TaskCommand): TaskCommand => {
  if (state.type !== 'task' || command.type !== 'complete') return command
  const step = state.steps[state.graph.indexOf.get(command.step) ?? -1]
  return step?.status === 'in_progress' ? { ...command, attempt: step.attempts, worker: step.worker } : command
}

/** Some wake-ups are never set. */
const forgetATimer = (): PlantedBug => {
  const isForgotten = every(10)
  return {
    name: 'forget a timer',
    foundAs: /^I29 the timer .* was forgotten/,
    makers: () => ({
      wheel: (clock) => {
        const wheel = new TimerWheel(clock)
        const add = wheel.add.bind(wheel)
        wheel.add = (timer) => (isForgotten() ? undefined : add(timer))
        return wheel
      },
    }),
  }
}

/** A batch of rows that was written is written once more. */
const projectTwice = (): PlantedBug => {
  const isTwice = every(5)
  return {
    name: 'project twice',
    foundAs: /^I2 rows of /,
    store: (store) => ({
      ...store,
      write: async (batch) => {
        const written = await store.write(batch)
        const checkpoints = batch.checkpoints.map(({ partition, to }) => ({ partition, from: to, to }))
        return written === 'written' && isTwice() ? store.write({ ...batch, checkpoints }) : written
      },
    }),
  }
}

/** A ready queue that runs out is filled from the rows alone, without what is not projected yet. */
const refillWithoutTheTail = (): PlantedBug => ({
  name: 'refill a window without the tail',
  foundAs: /^I32 .* is ready, and (no queue knows it|nobody gives it a place)/,
  makers: () => ({
    projector: (...parts) => {
      const projector = new Projector(...parts)
      const [store] = parts
      projector.ready = async (namespace, queue, request) =>
        scanQueue((await store.ready(namespace, queue, request)).rows, request, () => false, [])
      return projector
    },
  }),
})

/** A step that is reset begins with the number of its last attempt. */
const reuseAnAttemptNumber = (): PlantedBug => ({
  name: 'reuse an attempt number after a reset',
  foundAs: /^I24 attempt number \d+ of .* again/,
  makers: () => ({ rules: rulesThatReuse }),
})

const rulesThatReuse: TaskRules = {
  decide: (state, command) => {
    const decision = decide(state, command)
    if (decision.type === 'refused' || (command.type !== 'reset_step' && command.type !== 'retry')) return decision
    const events = decision.events.map((event) =>
      event.type === 'step.scheduled' && event.attempt > 1 ? { ...event, attempt: event.attempt - 1 } : event,
    )
    return { type: 'accepted', events }
  },
  evolve: (state, event, at, plan) =>
    evolve(event.type === 'step.scheduled' && state.type === 'task' ? lowered(state, event) : state, event, at, plan),
  // They would be told by the rules that hold.
  fastDomainEvents: () => [],
}

/** The task as it would have to be for the number to follow. */
const lowered = (task: LiveTask, { step, attempt }: { readonly step: string; readonly attempt: number }): LiveTask => ({
  ...task,
  steps: task.steps.map(
    (state, index): StepState =>
      task.graph.steps[index]?.name === step && state.status !== 'waiting_for_retry' && state.attempts === attempt
        ? { ...state, attempts: attempt - 1 }
        : state,
  ),
})

/** The log says that it holds what it only means to write. */
const answerBeforeDurable = (): PlantedBug => ({
  name: 'answer before durable',
  foundAs: /^I(6|26) .* before the log has/,
  log: (log, clock, life) => ({
    ...log,
    append: async (rows): Promise<AppendResult> => {
      clock.after(durationMs(20), () => (life.lives() ? inBackground(log.append(rows)) : undefined))
      return { type: 'appended' }
    },
  }),
})

export const PLANTED_BUGS: readonly (() => PlantedBug)[] = [
  skipTheFence,
  dropAnAck,
  applyALateResult,
  forgetATimer,
  projectTwice,
  refillWithoutTheTail,
  reuseAnAttemptNumber,
  answerBeforeDurable,
]
