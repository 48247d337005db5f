/** Moments and lengths of time, told apart by the compiler. The core never reads a clock: both arrive in commands. */
import type { Brand } from './brand.js'

/** Milliseconds since 1970-01-01T00:00:00Z by the wall clock. */
export type Instant = Brand<number, 'Instant'>

/** A length of time in milliseconds, never negative. */
export type DurationMs = Brand<number, 'DurationMs'>

export const instant = (epochMs: number): Instant => Math.trunc(epochMs) as Instant

export const durationMs = (ms: number): DurationMs => Math.max(0, Math.trunc(ms)) as DurationMs

export const later = (from: Instant, by: DurationMs): Instant => (from + by) as Instant

export const latest = (a: Instant, b: Instant): Instant => (a > b ? a : b)

/** RFC 3339 text in UTC with milliseconds. */
export const instantText = (at: Instant): string => new Date(at).toISOString()
