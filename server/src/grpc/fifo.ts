/** A queue that is read one by one or in batches; taking all of an unread one, the common case, hands over its array without copying. */

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
  // Items before the head were read; they go when the queue runs empty, which every burst ends with.
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
