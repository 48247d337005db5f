/** The kinds of values that settings have: text in, checked, and what is wrong with it in words. */
import { readRetention } from '@tasker/core'
import { z } from 'zod'

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, { error: 'is not a whole number', abort: true })
    .transform(Number)
    .pipe(
      z
        .number()
        .min(min, { error: `is below ${min}` })
        .max(max, { error: `is above ${max}` }),
    )

export const yesOrNo = z.enum(['true', 'false'], { error: 'is neither true nor false' }).transform((text) => text === 'true')

export const databaseUrl = z.string().refine(isPostgresUrl, {
  error: 'is not a PostgreSQL URL such as postgres://user:password@host:5432/database',
})

export const amqpUrl = z.string().refine((text) => URL.canParse(text) && /^amqps?:$/.test(new URL(text).protocol), {
  error: 'is not a RabbitMQ URL such as amqp://user:password@host:5672',
})

export const retention = z.string().superRefine((text, context) => {
  const reading = readRetention(text)
  if (reading.type === 'invalid') context.addIssue(reading.message)
})

function isPostgresUrl(text: string): boolean {
  return URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol)
}
