/**
 * Where archives lie: a port, so that they can lie in a directory or with an object store.
 *
 * S1  What is put is there as a whole and stays there through the death of every process, once `put` resolves; before that, what was under
 *     the name is still there.
 * S2  Putting the same name again replaces what was there.
 */

export interface ByteRange {
  readonly offset: number
  readonly length: number
}

export interface ArchiveStore {
  /** For people: where it is. */
  readonly place: string
  /** `name` has parts between slashes. Throws a `Fault` when it cannot be written. */
  put(name: string, content: Uint8Array): Promise<void>
  /** Undefined when there is nothing under the name. Throws a `Fault` when it cannot be read. */
  get(name: string, range?: ByteRange): Promise<Buffer | undefined>
  /** All names, in order of their text. */
  list(): Promise<readonly string[]>
}
