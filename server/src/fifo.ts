/** A queue that is read one by one or in batches; taking all of an unread one, the common case, hands over its array without copying. */

/** So many items that were read are kept in any case: giving their room back costs a copy of the others. */
const HEAD_MAX = 1_024

export interface Fifo<Item> {
  readonly length: number
  push(item: Item): void
  /** The first item, or undefined when there is none. */
  shift(): Item | undefined
  /** The first items, at most so many, in order. */
  take(itemsMax: number): Item[]
  clear(): void
}

export const fifo = <Item>(): Fifo<Item> => {
  let items: Item[] = []
  // Items before the head were read; they go when the queue runs empty, or when they are the most of it.
  let head = 0
  const clear = (): void => {
    items = []
    head = 0
  }
  return {
    get length() {
      return items.length - head
    },
    push: (item) => {
      items.push(item)
    },
    shift: () => {
      const item = items[head]
      head++
      if (head >= items.length) clear()
      else if (head >= HEAD_MAX && head * 2 >= items.length) {
        items = items.slice(head)
        head = 0
      }
      return item
    },
    take: (itemsMax) => {
      const taken = head === 0 && items.length <= itemsMax ? items : items.slice(head, head + itemsMax)
      head += taken.length
      if (head >= items.length) clear()
      return taken
    },
    clear,
  }
}
