/** Who has places of keys, by task, and when the places of rates are free again. */
import type { Instant, KeyName, Namespace, Place, QueueName, TaskId } from '@tasker/core'
import type { TimerWheel, WheelTimer } from '../../timers/timer-wheel.js'

/** A place in memory. */
export interface Held {
  readonly namespace: Namespace
  readonly queue: QueueName
  readonly key: KeyName
  readonly place: Place
  /** For a rate, from the start of its attempt on. */
  timer: WheelTimer | undefined
}

export class Places {
  readonly #wheel: TimerWheel
  readonly #over: (held: Held) => void
  readonly #byTask = new Map<TaskId, Map<string, Held>>()
  #count = 0

  /** `over` is called when the time of a rate's place is over by the wheel; it may be early after a jump of the wall clock. */
  constructor(wheel: TimerWheel, over: (held: Held) => void) {
    this.#wheel = wheel
    this.#over = over
  }

  get count(): number {
    return this.#count
  }

  ofTask(taskId: TaskId): readonly Held[] {
    const places = this.#byTask.get(taskId)
    return places === undefined ? NONE : [...places.values()]
  }

  all(): readonly Held[] {
    return [...this.#byTask.values()].flatMap((places) => [...places.values()])
  }

  has(held: Held): boolean {
    return this.#byTask.get(held.place.taskId)?.get(idOf(held)) === held
  }

  find(like: Pick<Held, 'namespace' | 'queue' | 'place'>): Held | undefined {
    return this.#byTask.get(like.place.taskId)?.get(idOf(like))
  }

  add(held: Held): void {
    const { taskId } = held.place
    let places = this.#byTask.get(taskId)
    if (places === undefined) {
      places = new Map()
      this.#byTask.set(taskId, places)
    }
    this.#count += places.has(idOf(held)) ? 0 : 1
    places.set(idOf(held), held)
  }

  remove(held: Held): void {
    const places = this.#byTask.get(held.place.taskId)
    if (places?.get(idOf(held)) !== held) return
    places.delete(idOf(held))
    if (places.size === 0) this.#byTask.delete(held.place.taskId)
    this.#count--
    if (held.timer !== undefined) this.#wheel.remove(held.timer)
  }

  /** The place of a rate is taken until then; the first word counts. */
  freeAt(held: Held, dueAt: Instant): void {
    if (held.timer !== undefined) return
    this.timeAgain(held, dueAt)
  }

  timeAgain(held: Held, dueAt: Instant): void {
    held.timer = { dueAt, fire: () => this.#over(held) }
    this.#wheel.add(held.timer)
  }
}

const NONE: readonly Held[] = []

const idOf = ({ queue, place }: Pick<Held, 'queue' | 'place'>): string => `${place.attempt}/${place.step}\n${queue}`
