/** `client.schedules`: what starts tasks by the clock. */
import { TaskerError } from '../errors/tasker-error.js'
import type { Transport } from '../wire/transport.js'
import { scheduleState, wireDefinition, type ScheduleDefinition, type ScheduleState } from './schedule-wire.js'

export interface CreateScheduleOptions {
  /** The client's when not said. */
  readonly namespace?: string
  /** It is created paused, with this note. */
  readonly pausedWith?: string
}

/** Where a schedule is: the client's namespace when not said. */
export interface ScheduleOptions {
  readonly namespace?: string
}

/** Every call may reject with a `TaskerError`. */
export class Schedules {
  readonly #transport: Transport
  readonly #namespace: string | undefined

  /** Made by the client. */
  constructor(transport: Transport, namespace: string | undefined) {
    this.#transport = transport
    this.#namespace = namespace
  }

  /** A repeat with the same definition changes nothing. The task's template must be registered. */
  async create(name: string, definition: ScheduleDefinition, options: CreateScheduleOptions = {}): Promise<ScheduleState> {
    return scheduleState(
      await this.#transport.schedules.createSchedule({
        ...this.#ref(name, options),
        definition: wireDefinition(definition),
        paused: options.pausedWith !== undefined,
        note: options.pausedWith ?? '',
      }),
    )
  }

  async get(name: string, options: ScheduleOptions = {}): Promise<ScheduleState> {
    return scheduleState(await this.#transport.schedules.getSchedule(this.#ref(name, options)))
  }

  /** All schedules of the namespace; of every namespace when neither the call nor the client names one. */
  async list(options: ScheduleOptions = {}): Promise<readonly ScheduleState[]> {
    const namespace = options.namespace ?? this.#namespace ?? ''
    return (await this.#transport.schedules.listSchedules({ namespace })).schedules.map(scheduleState)
  }

  /** The whole definition is this one from now on. */
  async edit(name: string, definition: ScheduleDefinition, options: ScheduleOptions = {}): Promise<ScheduleState> {
    const request = { ...this.#ref(name, options), definition: wireDefinition(definition) }
    return scheduleState(await this.#transport.schedules.editSchedule(request))
  }

  async pause(name: string, note = '', options: ScheduleOptions = {}): Promise<ScheduleState> {
    return scheduleState(await this.#transport.schedules.pauseSchedule({ ...this.#ref(name, options), note }))
  }

  /** The times of the pause are not made up for. */
  async resume(name: string, note = '', options: ScheduleOptions = {}): Promise<ScheduleState> {
    return scheduleState(await this.#transport.schedules.resumeSchedule({ ...this.#ref(name, options), note }))
  }

  /** Fires now, whatever runs, paused or not. */
  async trigger(name: string, options: ScheduleOptions = {}): Promise<ScheduleState> {
    return scheduleState(await this.#transport.schedules.triggerSchedule(this.#ref(name, options)))
  }

  /** Fires the times of a range of the past. A time that has its task already gets no second one. */
  async backfill(
    name: string,
    range: { readonly from: Date; readonly until: Date },
    options: ScheduleOptions = {},
  ): Promise<ScheduleState> {
    const request = { ...this.#ref(name, options), fromMs: range.from.getTime(), untilMs: range.until.getTime() }
    return scheduleState(await this.#transport.schedules.backfillSchedule(request))
  }

  /** Tasks that it started go on. */
  async delete(name: string, options: ScheduleOptions = {}): Promise<void> {
    await this.#transport.schedules.deleteSchedule(this.#ref(name, options))
  }

  #ref(name: string, options: ScheduleOptions): { namespace: string; name: string } {
    const namespace = options.namespace ?? this.#namespace
    if (namespace !== undefined) return { namespace, name }
    throw new TaskerError({
      code: 'INVALID_INPUT',
      reason: 'MISSING_NAMESPACE',
      message: `no namespace was given for the schedule ${name}`,
      hint: 'name it in the call, or once for all in the options of the client',
    })
  }
}
