import { amqpUrl, databaseUrl, retention, wholeNumber, yesOrNo } from '@tasker/server/internal/config/values'
import { expect, test } from 'vitest'

const problemOf = (parsed: { readonly error?: { readonly issues: readonly { readonly message: string }[] } | undefined }) =>
  parsed.error?.issues.map(({ message }) => message).join('; ')

test.each([
  [wholeNumber(1, 10).safeParse('5'), undefined],
  [wholeNumber(1, 10).safeParse('0'), 'is below 1'],
  [wholeNumber(1, 10).safeParse('11'), 'is above 10'],
  [wholeNumber(1, 10).safeParse('1.5'), 'is not a whole number'],
  [yesOrNo.safeParse('true'), undefined],
  [yesOrNo.safeParse('yes'), 'is neither true nor false'],
  [databaseUrl.safeParse('postgres://db/tasker'), undefined],
  [databaseUrl.safeParse('db'), 'is not a PostgreSQL URL such as postgres://user:password@host:5432/database'],
  [amqpUrl.safeParse('amqps://queue'), undefined],
  [amqpUrl.safeParse('http://queue'), 'is not a RabbitMQ URL such as amqp://user:password@host:5672'],
  [retention.safeParse('shop=1d'), undefined],
  [retention.safeParse('shop=soon'), "has the age 'soon', which is neither like 90s, 15m, 12h or 30d nor 'keep'"],
])('a value is taken, or what is wrong with it is said (%#)', (parsed, problem) => {
  expect(problemOf(parsed)).toBe(problem)
})
