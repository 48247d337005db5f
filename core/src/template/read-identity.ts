/** When two submissions of a template mean the same task: `identity_strategy`, and for how long what was submitted counts. */
import { durationMs } from '../kernel/instant.js'
import { LIMITS } from '../limits.js'
import { boolean, number, objectOf, oneOf } from './fields.js'
import type { IdentityRule } from './template.js'

const window = number({ min: 0.001, max: LIMITS.identityWindowMsMax / 1_000, whole: false })

export const identityStrategy = oneOf('strict', 'caller_provided', 'always_unique')

export const identityFields = objectOf({ window_seconds: { read: window }, while_running: { read: boolean } })

export interface GivenIdentity {
  readonly identity_strategy?: IdentityRule['strategy']
  readonly identity?: { readonly window_seconds?: number; readonly while_running?: boolean }
}

/** What was not said: every submission is a task of its own, and an identity counts for ever. */
export const identityRule = ({ identity_strategy, identity }: GivenIdentity): IdentityRule => ({
  strategy: identity_strategy ?? 'always_unique',
  windowMs: identity?.window_seconds === undefined ? undefined : durationMs(Math.round(identity.window_seconds * 1_000)),
  whileRunning: identity?.while_running ?? false,
})
