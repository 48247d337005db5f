/** Keys of seals as settings name them: as text, as files, and what cannot be one. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configuredSealKey, listedKeys, trustedKeys } from '@tasker/server/internal/audit/configured-keys'
import { Fault } from '@tasker/server/internal/faults'
import { afterAll, describe, expect, test } from 'vitest'
import { newKeyPem, newSealKey } from '../../../support/sealed.js'

const folder = mkdtempSync(join(tmpdir(), 'tasker-keys-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const reasonOf = (work: () => unknown): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    return error instanceof Fault ? `${error.reason} ${error.message}` : String(error)
  }
}

const pem = newKeyPem()
const publicPem = createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString()

describe('a private key', () => {
  test('is read from its text and from its file', () => {
    const key = configuredSealKey(pem)
    expect(configuredSealKey(file('key.pem', pem))?.publicKey).toBe(key?.publicKey)
    expect(configuredSealKey('  ')).toBeUndefined()
  })

  test.each([
    ['is not there', () => configuredSealKey(join(folder, 'none.pem')), 'cannot be read from'],
    ['is no PEM', () => configuredSealKey(file('no.pem', 'secret words')), 'it is no private key in PEM form'],
    ['is a public key', () => configuredSealKey(publicPem), 'it is no private key in PEM form'],
    [
      'is for something else',
      () =>
        configuredSealKey(
          generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        ),
      'a key for ec, not for ed25519',
    ],
  ])('that %s is refused, and its content is not told', (_, read, message) => {
    const reason = reasonOf(read)
    expect(reason).toContain('SEAL_KEY_INVALID')
    expect(reason).toContain(message)
    expect(reason).not.toContain('secret')
  })
})

describe('public keys', () => {
  test('are read from 43 characters and from files', () => {
    const own = configuredSealKey(pem)
    const raw = own?.publicKey ?? ''
    expect(listedKeys([raw, file('public.pem', publicPem), publicPem])).toEqual([raw, raw, raw])
  })

  test.each(['short', 'A'.repeat(42), `${'A'.repeat(42)}B`])('such as %s are refused', (text) => {
    expect(reasonOf(() => listedKeys([text]))).toContain('SEAL_KEY_INVALID')
  })

  test('that a server trusts are its own and those it is told; with none it trusts any', () => {
    const own = newSealKey()
    const older = newSealKey()
    expect(trustedKeys(` ${older.publicKey} ,`, own)).toEqual(new Set([older.publicKey, own.publicKey]))
    expect(trustedKeys('', own)).toEqual(new Set([own.publicKey]))
    expect(trustedKeys('', undefined)).toBeUndefined()
  })
})
