/** Messages as they come, and those who wait for one. */

export interface Inbox<Message> {
  /** All that came, in order. */
  readonly messages: readonly Message[]
  put(message: Message): void
  /** Nothing more comes; whoever waits is told why. */
  end(why: string): void
  /** The first item, of those that `items` finds in the messages so far and to come, beyond the first `skip`. */
  item<Item>(items: (message: Message) => readonly Item[], skip: number): Promise<Item>
}

interface Waiter {
  readonly look: () => boolean
  readonly giveUp: (why: string) => void
}

const WAIT_MS = 15_000

export const createInbox = <Message>(): Inbox<Message> => {
  const messages: Message[] = []
  const waiters = new Set<Waiter>()
  let over: string | undefined
  const look = (): void => {
    for (const waiter of waiters) if (waiter.look()) waiters.delete(waiter)
  }
  return {
    messages,
    put: (message) => {
      messages.push(message)
      look()
    },
    end: (why) => {
      over ??= why
      for (const waiter of waiters) waiter.giveUp(over)
      waiters.clear()
    },
    item: (items, skip) =>
      new Promise((resolve, reject) => {
        const find = () => messages.flatMap((message) => items(message)).at(skip)
        const known = find()
        if (known !== undefined) return resolve(known)
        if (over !== undefined) return reject(new Error(over))
        const giveUp = (why: string): void => {
          clearTimeout(timer)
          reject(new Error(`${why}; heard: ${JSON.stringify(messages)}`))
        }
        const waiter: Waiter = {
          look: () => {
            const found = find()
            if (found === undefined) return false
            clearTimeout(timer)
            resolve(found)
            return true
          },
          giveUp,
        }
        const timer = setTimeout(() => {
          waiters.delete(waiter)
          giveUp(`it did not come within ${WAIT_MS} ms`)
        }, WAIT_MS)
        waiters.add(waiter)
      }),
  }
}
