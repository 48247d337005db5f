/** A signal that starts its task if it is not there. Both are in the log before it is answered, and a repeat with its request id leaves nothing. */
import { inBackground } from '../background.js'
import type { TaskOrder, CommandAnswer, Submission, SubmitAnswer, GivenSignal, TemplateRecord } from './api.js'
import type { FaultDetail } from '../faults.js'
import type { TaskId } from '@tasker/core'

export interface SignalWithStartParts {
  readonly template: (submission: Submission) => TemplateRecord | undefined
  readonly submit: (submission: Submission, answer: (answer: SubmitAnswer) => void) => void
  readonly order: (taskId: TaskId, order: TaskOrder, actor: string) => Promise<CommandAnswer>
}

export const signalWithStart = (
  submission: Submission,
  signal: GivenSignal,
  parts: SignalWithStartParts,
  answer: (answer: SubmitAnswer) => void,
): void => {
  const record = parts.template(submission)
  if (record !== undefined && record.plan.template.kind !== 'function')
    return answer({ type: 'failed', fault: noFunction(record) })
  parts.submit({ ...submission, onDuplicate: 'return' }, (submitted) => {
    if (submitted.type === 'failed') return answer(submitted)
    const order = { type: 'signal', ...signal, requestId: submission.requestId } as const
    inBackground(parts.order(submitted.taskId, order, submission.actor).then((given) => answer(afterSignal(submitted, given))))
  })
}

/** The later of the two writes is the one to wait for. */
const afterSignal = (submitted: Exclude<SubmitAnswer, { type: 'failed' }>, given: CommandAnswer): SubmitAnswer => {
  switch (given.type) {
    case 'done':
      return { ...submitted, token: given.token.endsWith(':0') ? submitted.token : given.token }
    case 'refused':
      return { type: 'failed', fault: { ...given.refusal, retryable: given.refusal.code === 'BACKPRESSURE' } }
    case 'failed':
      return given
  }
}

const noFunction = ({ namespace, name, version }: TemplateRecord): FaultDetail => ({
  code: 'INVALID_STATE',
  reason: 'NO_FUNCTION',
  message: `the template ${namespace}/${name} ${version} is no durable function, and takes no signal`,
  retryable: false,
})
