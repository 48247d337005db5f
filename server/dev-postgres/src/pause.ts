/** A wait between two looks at something that gives no signal of its own. */
export const pause = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs))
