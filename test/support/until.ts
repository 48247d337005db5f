/** Waiting for a fact that gives no signal of its own: looked at again and again, never for longer than was said. */

const LOOK_MS = 25

/** The first answer of `look` that is not undefined. Rejects with the sentence, and what `look` threw last, when none comes in time. */
export const until = async <Fact>(what: string, waitMsMax: number, look: () => Promise<Fact | undefined>): Promise<Fact> => {
  const patienceAt = performance.now() + waitMsMax
  for (;;) {
    let trouble: unknown
    try {
      const fact = await look()
      if (fact !== undefined) return fact
    } catch (error) {
      trouble = error
    }
    if (performance.now() > patienceAt) throw new Error(`not within ${waitMsMax} ms: ${what}`, { cause: trouble })
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

/** Rejects when a promise takes longer than was said. */
export const within = async <Value>(what: string, waitMsMax: number, promise: Promise<Value>): Promise<Value> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${waitMsMax} ms: ${what}`)), waitMsMax)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
