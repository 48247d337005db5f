/** Which of a step's times ran out: of one attempt, between two signs of life, waiting for a worker, or over all attempts. */
export const TIMEOUT_KINDS = ['start_to_close', 'heartbeat', 'schedule_to_start', 'schedule_to_close'] as const

export type TimeoutKind = (typeof TIMEOUT_KINDS)[number]
