/** What a task answered. */

/** What a task's only last step answered: the result, or its one field. */
export const answerOf = (result: unknown): unknown => {
  const values: readonly unknown[] =
    typeof result === 'object' && result !== null && !Array.isArray(result) ? Object.values(result) : [result]
  return values[0]
}
