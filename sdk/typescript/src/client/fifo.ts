/** A queue whose front leaves in constant time. */

const COMPACT_AFTER = 1_024

export interface Fifo<Item> {
  size(): number
  push(item: Item): void
  /** Undefined when empty. */
  shift(): Item | undefined
  /** Undefined when empty. */
  first(): Item | undefined
  /** Everything in order, the queue is empty afterwards. */
  takeAll(): readonly Item[]
}

export const createFifo = <Item>(): Fifo<Item> => {
  let items: (Item | undefined)[] = []
  let head = 0
  return {
    size: () => items.length - head,
    push: (item) => void items.push(item),
    first: () => items[head],
    shift: () => {
      const item = items[head]
      if (head < items.length) {
        items[head] = undefined
        head += 1
      }
      if (head >= COMPACT_AFTER && head * 2 >= items.length) {
        items = items.slice(head)
        head = 0
      }
      return item
    },
    takeAll: () => {
      const all = items.slice(head).filter((item) => item !== undefined)
      items = []
      head = 0
      return all
    },
  }
}
