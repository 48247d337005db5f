/** The keys of seals as settings name them. */
import { readFileSync } from 'node:fs'
import { Fault } from '../faults.js'
import type { TrustedKeys } from './check-proof.js'
import { readPublicKey, readSealKey, type SealKey } from './seal-key.js'

const PEM_BEGIN = '-----BEGIN'

/** The text of a PEM, or of the file that is named. Undefined when the setting is empty. Throws a `Fault`. */
export const configuredSealKey = (setting: string): SealKey | undefined => {
  const text = setting.trim()
  return text === '' ? undefined : readSealKey(text.startsWith(PEM_BEGIN) ? text : fileText(text))
}

/** Public keys as lists name them: 43 characters or files, joined by commas. */
export const listedKeys = (list: readonly string[]): readonly string[] =>
  list.map((text) => (isFileName(text) ? readPublicKey(fileText(text)) : readPublicKey(text)))

/** The keys a server trusts: its own and those that signed before; any when it has none. */
export const trustedKeys = (list: string, own: SealKey | undefined): TrustedKeys => {
  const named = list.split(',').filter((text) => text.trim() !== '')
  const keys = [...listedKeys(named.map((text) => text.trim())), ...(own === undefined ? [] : [own.publicKey])]
  return keys.length === 0 ? undefined : new Set(keys)
}

const isFileName = (text: string): boolean => !text.startsWith(PEM_BEGIN) && /[./\\]/.test(text)

const fileText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Fault(
      {
        code: 'INVALID_INPUT',
        reason: 'SEAL_KEY_INVALID',
        message: `A key for seals cannot be read from ${file}: ${error instanceof Error ? error.message : String(error)}.`,
        hint: 'Make one with: openssl genpkey -algorithm ed25519 -out seal-key.pem',
        retryable: false,
      },
      error,
    )
  }
}
