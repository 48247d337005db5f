/** The event `partition.sealed`: a seal as a commit of its partition's own stream, and back. */
import { instant, partitionNumber } from '@tasker/core'
import { z } from 'zod'
import { commitHash } from '../log/commit-hash.js'
import { PARTITION_SEALED, type CommitDraft } from '../log/port.js'
import { SEAL, type Seal } from './seal.js'

/** `before` is the end of the partition's own stream. */
export const sealDraft = (seal: Seal, before: CommitDraft): CommitDraft => {
  const content = {
    stream: before.stream,
    partition: partitionNumber(seal.partition),
    firstVersion: before.firstVersion + before.types.length,
    namespace: '',
    at: instant(seal.at),
    actor: 'engine',
    worker: undefined,
    cause: 'seal_partition',
    types: [PARTITION_SEALED],
    text: JSON.stringify([seal]),
  }
  return { ...content, hash: commitHash(content, before.hash) }
}

/** Undefined when the commit holds no seal, or one that makes no sense. */
export const sealOf = ({ types, text }: Pick<CommitDraft, 'types' | 'text'>): Seal | undefined => {
  if (types.length !== 1 || types[0] !== PARTITION_SEALED) return undefined
  const read = z.tuple([SEAL]).safeParse(jsonIn(text))
  return read.success ? read.data[0] : undefined
}

const jsonIn = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
