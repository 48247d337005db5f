/**
 * The keys of operations.
 *
 * K1  A key is made of names: the path of the scope, the name in it, and which of that name it is. Where an operation stands among those of
 *     other names or scopes says nothing, so branches may finish in any order.
 * K2  Two operations never share a key: what has a meaning in keys is escaped in names.
 */
import { checkName } from '../definition/check-name.js'
import { refused } from './misuse.js'

const MEANING = /[%/#@]/g

const escaped = (text: string): string =>
  text.replace(MEANING, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)

export const within = (path: string, name: string): string => (path === '' ? escaped(name) : `${path}/${escaped(name)}`)

/** The keys of one scope: `name`, `name#2`, `name#3`, or `name@key` where the operation says its key. */
export class Keys {
  readonly #path: string
  readonly #occurrences = new Map<string, number>()
  readonly #given = new Set<string>()

  constructor(path: string) {
    this.#path = path
  }

  next(name: string, given?: string): string {
    const plain = within(this.#path, name)
    if (given !== undefined) return this.#named(plain, given)
    const occurrence = (this.#occurrences.get(name) ?? 0) + 1
    this.#occurrences.set(name, occurrence)
    return occurrence === 1 ? plain : `${plain}#${occurrence}`
  }

  #named(plain: string, given: string): string {
    checkName(given, 'a key')
    const key = `${plain}@${escaped(given)}`
    if (this.#given.has(key)) {
      throw refused('DUPLICATE_OPERATION_KEY', `the key ${JSON.stringify(given)} is given twice for ${plain}`)
    }
    this.#given.add(key)
    return key
  }
}
