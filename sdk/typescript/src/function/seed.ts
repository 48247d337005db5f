/** What the dice of a function follow from. */

/** The same for every run of a life; another when a function continues, so that it draws no number twice. */
export const seedOf = (taskId: string, life: number): string => (life <= 1 ? taskId : `${taskId}/${life}`)
