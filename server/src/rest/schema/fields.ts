/** The small schemas that requests are made of. */
import { type Instant, instant, LIMITS, parseTaskId } from '@tasker/core'
import { z } from 'zod'

/** NUL cannot be stored in a text column, and half a surrogate pair cannot be sent: such names would come back altered. */
const UNSTORABLE = /[\0\p{Surrogate}]/u

/** A name or short text that is kept exactly as it is. */
export const plainText = (charsMax: number = LIMITS.nameCharsMax) =>
  z
    .string()
    .min(1)
    .max(charsMax)
    .refine((text) => !UNSTORABLE.test(text), { error: 'must hold neither NUL nor half a surrogate pair' })

/** A field that may be left out or be null. */
export const optional = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value): z.output<Schema> | undefined => value ?? undefined)

/** An instant as RFC 3339 text, with `Z` or an offset. */
export const instantField = z.iso.datetime({ offset: true }).transform((text): Instant => instant(Date.parse(text)))

/** An instant in an address: RFC 3339 text, or milliseconds since 1970. */
export const instantInAddress = z.union([
  instantField,
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform((text): Instant => instant(Number(text))),
])

/** A ULID, in either case. */
export const ulidField = z.string().refine((text) => parseTaskId(text) !== undefined, { error: 'is no ULID' })

/** A whole number in an address. */
export const wholeNumberText = (min: number, max: number) =>
  z.coerce.number().int().min(min).max(max).meta({ type: 'integer', minimum: min, maximum: max })

/** A query parameter that may be repeated. */
export const repeatable = <Schema extends z.ZodType<unknown, string>>(schema: Schema, countMax: number) =>
  z.union([z.array(schema).max(countMax), schema.transform((value) => [value])])

/** A yes or no in an address. */
export const flagText = z.enum(['true', 'false']).transform((text) => text === 'true')
