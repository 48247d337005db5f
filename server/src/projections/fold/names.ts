/** The names of the projections. Each is one table of that name. */

export const PROJECTION_NAMES = ['task', 'ready_step', 'timer', 'identity', 'activity', 'key', 'schedule', 'dead_letter'] as const

export type ProjectionName = (typeof PROJECTION_NAMES)[number]

export const isProjectionName = (name: string): name is ProjectionName => PROJECTION_NAMES.some((known) => known === name)
