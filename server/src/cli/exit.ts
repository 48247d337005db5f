/** How a command ends: its exit codes, and which of them a fault leads to. */
import { Fault } from '../faults.js'

/** 0 done, 1 the task or check failed or the server said no, 2 wrong usage, 3 the server was not reachable. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3 } as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Reasons that only the command line gives. */
export const CLI_REASON = {
  usage: 'USAGE',
  serverUnreachable: 'SERVER_UNREACHABLE',
  answerLost: 'ANSWER_LOST',
  unexpectedAnswer: 'UNEXPECTED_ANSWER',
} as const

/** What the person typed cannot be meant. */
export const usageFault = (message: string, hint?: string): Fault =>
  new Fault({ code: 'INVALID_INPUT', reason: CLI_REASON.usage, message, ...(hint !== undefined && { hint }) })

export const exitCodeOf = (fault: Fault): ExitCode => {
  if (fault.reason === CLI_REASON.usage) return EXIT.usage
  if (fault.reason === CLI_REASON.serverUnreachable || fault.reason === CLI_REASON.answerLost) return EXIT.unreachable
  return EXIT.failed
}

/** Anything thrown as a fault; what is none is a mistake of the program and keeps its stack as the cause. */
export const faultOf = (thrown: unknown): Fault => {
  if (thrown instanceof Fault) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new Fault({ code: 'INTERNAL', reason: 'INTERNAL_ERROR', message }, thrown)
}
