/** Wake-ups in the order of their times: a binary heap, the next one first. */

export interface Alarm {
  readonly atMs: number
  /** Of those at one time, the one that was set first is first. */
  readonly order: number
  readonly call: () => void
  isSet: boolean
}

export const isEarlier = (a: Alarm, b: Alarm): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

export class AlarmHeap {
  /** Those that were called off stay until it is their turn. */
  readonly #heap: Alarm[] = []

  add(alarm: Alarm): void {
    push(this.#heap, alarm)
  }

  /** The earliest that is set. */
  first(): Alarm | undefined {
    while (this.#heap[0]?.isSet === false) pop(this.#heap)
    return this.#heap[0]
  }
}

const push = (heap: Alarm[], alarm: Alarm): void => {
  let at = heap.length
  heap.push(alarm)
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent]
    if (above === undefined || isEarlier(above, alarm)) break
    heap[at] = above
    at = parent
  }
  heap[at] = alarm
}

const pop = (heap: Alarm[]): void => {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    const [left, right] = [heap[child], heap[child + 1]]
    if (left === undefined) break
    if (right !== undefined && isEarlier(right, left)) child++
    const least = heap[child]
    if (least === undefined || isEarlier(last, least)) break
    heap[at] = least
    at = child
  }
  heap[at] = last
}
