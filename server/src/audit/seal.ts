/**
 * A seal: the signed Merkle root of a stretch of a partition, linked to the seal before it.
 *
 * S1  It covers every commit of its partition from `from_seq` to `to_seq`, and the first of them follows the last of the seal before.
 * S2  The signature is ed25519 over the text of `sealText`: a line a member, its name and its value, all but the public key and itself.
 * S3  `previous` is the SHA-256 of that text of the seal before, 64 zeros for a partition's first.
 * S4  The text names the log, so that a seal of one database fits no other.
 */
import { hash, verify } from 'node:crypto'
import { z } from 'zod'
import { keyIdOf, PUBLIC_KEY, publicKeyOf, type SealKey } from './seal-key.js'

export const SEAL_FORMAT = 'tasker-seal-1'

/** What stands before a partition's first seal. */
export const NO_PREVIOUS_SEAL = '0'.repeat(64)

/** Nothing that could end a line of the signed text. */
export const LOG_ID = /^[0-9a-z-]+$/
const HEX_32_BYTES = /^[0-9a-f]{64}$/
/** 64 bytes; the last digit has four bits to spare, which must be zero: a signature is written in one way only. */
const SIGNATURE = /^[A-Za-z0-9_-]{85}[AQgw]$/

const seq = z.int().min(1)

export const SEAL = z.strictObject({
  format: z.literal(SEAL_FORMAT),
  log: z.string().regex(LOG_ID),
  partition: z.int().min(0),
  epoch: z.int().min(1),
  from_seq: seq,
  to_seq: seq,
  root: z.string().regex(HEX_32_BYTES),
  previous: z.string().regex(HEX_32_BYTES),
  at: z.int(),
  key_id: z.string().regex(/^[0-9a-f]{32}$/),
  public_key: z.string().regex(PUBLIC_KEY),
  signature: z.string().regex(SIGNATURE),
})

/** As it stands in the log, in published files and in proofs. */
export type Seal = Readonly<z.infer<typeof SEAL>>

/** What is signed. */
export type SealContent = Omit<Seal, 'format' | 'key_id' | 'public_key' | 'signature'>

/** S2. */
export const sealText = (content: SealContent, keyId: string): string =>
  [
    SEAL_FORMAT,
    `log ${content.log}`,
    `partition ${content.partition}`,
    `epoch ${content.epoch}`,
    `from_seq ${content.from_seq}`,
    `to_seq ${content.to_seq}`,
    `root ${content.root}`,
    `previous ${content.previous}`,
    `at ${content.at}`,
    `key_id ${keyId}`,
    '',
  ].join('\n')

/** S3. */
export const sealHash = (seal: Seal): string => hash('sha256', sealText(seal, seal.key_id), 'hex')

export const signSeal = (content: SealContent, key: SealKey): Seal => ({
  format: SEAL_FORMAT,
  ...content,
  key_id: key.keyId,
  public_key: key.publicKey,
  signature: key.sign(sealText(content, key.keyId)),
})

/** Whether the seal is signed with the key it names; undefined when it is. */
export const signatureProblem = (seal: Seal): string | undefined => {
  if (keyIdOf(seal.public_key) !== seal.key_id) return 'its key_id is not that of its public key'
  const signature = Buffer.from(seal.signature, 'base64url')
  const isSigned = verify(null, Buffer.from(sealText(seal, seal.key_id)), publicKeyOf(seal.public_key), signature)
  return isSigned ? undefined : 'its signature does not fit'
}
