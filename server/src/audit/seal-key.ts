/** The keys of seals: ed25519, private ones as PEM, public ones as PEM or as the 43 characters that seals carry. */
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign } from 'node:crypto'
import { Fault } from '../faults.js'

/** What seals are signed with. */
export interface SealKey {
  readonly keyId: string
  /** 32 bytes as base64url. */
  readonly publicKey: string
  /** The signature of a text as base64url. */
  sign(text: string): string
}

export const PUBLIC_KEY = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/
const KEY_ID_CHARS = 32

/** The name of a key: the first half of the SHA-256 of its 32 bytes, as hexadecimal digits. */
export const keyIdOf = (publicKey: string): string =>
  hash('sha256', Buffer.from(publicKey, 'base64url'), 'hex').slice(0, KEY_ID_CHARS)

export const publicKeyOf = (publicKey: string): KeyObject =>
  createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' })

/** A private key as PEM (PKCS#8). Throws a `Fault` that says nothing of its content. */
export const readSealKey = (pem: string): SealKey => {
  const key = orFault(() => createPrivateKey(pem), 'it is no private key in PEM form')
  const publicKey = rawPublicKey(createPublicKey(key))
  if (publicKey === undefined) throw badKey(`it is a key for ${key.asymmetricKeyType ?? 'something else'}, not for ed25519`)
  return {
    keyId: keyIdOf(publicKey),
    publicKey,
    sign: (text) => sign(null, Buffer.from(text), key).toString('base64url'),
  }
}

/** A public key as 43 characters, from those or from PEM. Throws a `Fault`. */
export const readPublicKey = (text: string): string => {
  const trimmed = text.trim()
  if (PUBLIC_KEY.test(trimmed)) return trimmed
  const publicKey = rawPublicKey(orFault(() => createPublicKey(trimmed), 'it is neither PEM nor 43 characters of base64url'))
  if (publicKey === undefined) throw badKey('it is not for ed25519')
  return publicKey
}

const rawPublicKey = (key: KeyObject): string | undefined =>
  key.asymmetricKeyType === 'ed25519' ? key.export({ format: 'jwk' }).x : undefined

const orFault = (read: () => KeyObject, why: string): KeyObject => {
  try {
    return read()
  } catch (error) {
    throw badKey(why, error)
  }
}

const badKey = (why: string, cause?: unknown): Fault =>
  new Fault(
    {
      code: 'INVALID_INPUT',
      reason: 'SEAL_KEY_INVALID',
      message: `A key for seals cannot be used: ${why}.`,
      hint: 'Make one with: openssl genpkey -algorithm ed25519 -out seal-key.pem',
      retryable: false,
    },
    cause,
  )
