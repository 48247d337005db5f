/** Settings as people may see them: without passwords. */
import { SECRET_KEYS, type ServerConfig, SETTINGS } from '../config.js'

/** The settings by variable, without passwords: what `/config` may show. */
export const redactedConfig = (config: ServerConfig): { readonly [variable: string]: string | number | boolean } =>
  Object.fromEntries(
    SETTINGS.map(({ key, variable }) => [variable, SECRET_KEYS.has(key) ? redacted(String(config[key])) : config[key]]),
  )

const redacted = (text: string): string => (text === '' ? '' : withoutPassword(text))

/** A database URL for people: the password and anything in its query replaced. */
export const withoutPassword = (url: string): string => {
  if (!URL.canParse(url)) return '***'
  const parsed = new URL(url)
  if (parsed.password !== '') parsed.password = '***'
  if (parsed.search !== '') parsed.search = '?***'
  return parsed.href
}
