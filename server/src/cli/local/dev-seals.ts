/** The seals of a server for development: a key made on the first start and kept beside the data, and a folder to publish to. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerConfig } from '../../config.js'

const OWNER_ONLY = 0o600

export const SEAL_KEY_FILE = 'seal-key.pem'
export const SEAL_PUBLIC_KEY_FILE = 'seal-public.pem'

/** The settings with a key and a folder, where they name none. */
export const withDevSeals = (config: ServerConfig, dataDir: string): ServerConfig => ({
  ...config,
  sealKey: config.sealKey === '' ? keptKey(dataDir) : config.sealKey,
  sealsDir: config.sealsDir === '' ? join(dataDir, 'seals') : config.sealsDir,
})

const keptKey = (dataDir: string): string => {
  const file = join(dataDir, SEAL_KEY_FILE)
  if (existsSync(file)) return file
  const { privateKey } = generateKeyPairSync('ed25519')
  writeFileSync(join(dataDir, SEAL_PUBLIC_KEY_FILE), createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }))
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: OWNER_ONLY })
  return file
}
