/** Seals outside of the database: for each partition a list that only grows, so that who cuts the log short behind its end is found out. */
import type { Partition } from '@tasker/core'
import { z } from 'zod'
import { SEAL } from './seal.js'

export const PUBLISHED_SEAL = z.strictObject({
  /** Place of the seal's own commit. */
  seq: z.int().min(1),
  seal: SEAL,
})

export type PublishedSeal = Readonly<z.infer<typeof PUBLISHED_SEAL>>

export interface PublishedSeals {
  /** The last one of a partition that is there as a whole. Throws when it cannot be read. */
  last(partition: Partition): Promise<PublishedSeal | undefined>
  /** There when it resolves, also if the machine dies then. After it has thrown, `last` says what is there. */
  append(partition: Partition, seals: readonly PublishedSeal[]): Promise<void>
}
