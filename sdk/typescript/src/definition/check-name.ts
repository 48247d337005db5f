/** What a name in a definition may be. */
import { TaskerError } from '../errors/tasker-error.js'
import { LIMITS } from '../limits.js'

/** Throws `BAD_NAME` for an empty or too long one. */
export const checkName = (name: string, what: string): void => {
  const { nameCharsMax } = LIMITS
  if (name !== '' && name.length <= nameCharsMax) return
  const message = `the name of ${what} has 1 to ${nameCharsMax} characters, not ${name.length}`
  throw new TaskerError({ code: 'INVALID_INPUT', reason: 'BAD_NAME', message })
}
