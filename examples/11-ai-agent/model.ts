/** A language model that needs no network: it has read one book, and answers by what stands in the conversation. */
import { RetryableError } from '@tasker/sdk'

/** What was said so far. */
export type Message =
  | { readonly role: 'user'; readonly text: string }
  | { readonly role: 'tool'; readonly tool: string; readonly result: string }

/** It wants a tool to be used, or has an answer. */
export type Reply =
  | { readonly type: 'tool'; readonly tool: string; readonly argument: string }
  | { readonly type: 'answer'; readonly text: string }

let asked = 0

/** Says what comes next. The first time it has too much to do, as models have. */
export const askModel = (messages: readonly Message[]): Reply => {
  if (++asked === 1) throw new RetryableError('too many requests', { code: 'RATE_LIMITED' })
  const [question] = messages
  const order = /[A-Z]-\d+/.exec(question?.role === 'user' ? question.text : '')?.[0] ?? ''
  const saw = (tool: string): string | undefined =>
    messages.flatMap((message) => (message.role === 'tool' && message.tool === tool ? [message.result] : []))[0]

  const found = saw('find order')
  if (found === undefined) return { type: 'tool', tool: 'find order', argument: order }
  if (!found.includes('broken')) return { type: 'answer', text: `Your order ${order} is on its way.` }
  const refunded = saw('refund')
  if (refunded === undefined) return { type: 'tool', tool: 'refund', argument: order }
  if (refunded.startsWith('refused')) return { type: 'answer', text: `We are sorry about ${order}. A colleague will call you.` }
  return { type: 'answer', text: `We are sorry about ${order}. You have your money back (${refunded}).` }
}
