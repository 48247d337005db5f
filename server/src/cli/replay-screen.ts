/** Stepping through a replay in a terminal: keys, and where they lead. */

/** What a key asks for. */
export type Move = 'next' | 'previous' | 'first' | 'last' | 'go' | 'quit'

const MOVES: ReadonlyMap<string, Move> = new Map([
  ['n', 'next'],
  [' ', 'next'],
  ['\u001b[C', 'next'],
  ['\u001b[B', 'next'],
  ['p', 'previous'],
  ['\u001b[D', 'previous'],
  ['\u001b[A', 'previous'],
  ['0', 'first'],
  ['\u001b[H', 'first'],
  ['$', 'last'],
  ['\u001b[F', 'last'],
  ['\r', 'go'],
  ['q', 'quit'],
  ['\u0003', 'quit'],
  ['\u0004', 'quit'],
])

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is how keys arrive.
const KEYS = /\u001b\[[A-Z]|[\s\S]/g

/** The keys of a chunk of input, in their order. */
export const keysIn = (chunk: string): readonly string[] => chunk.match(KEYS) ?? []

/** What was typed so far of `g N`, and the place in the replay. */
export interface Place {
  readonly version: number
  /** Digits behind a `g`; undefined when none was typed. */
  readonly typed: string | undefined
}

/** Where a key leads, between the versions `first` and `last`; undefined to end. */
export const placeAfter = (key: string, place: Place, first: number, last: number): Place | undefined => {
  if (key === 'g') return { ...place, typed: '' }
  if (place.typed !== undefined && /^\d$/.test(key)) return { ...place, typed: `${place.typed}${key}`.slice(0, 15) }
  const move = MOVES.get(key)
  if (move === undefined) return { ...place, typed: undefined }
  if (move === 'quit') return undefined
  const wanted = wantedVersion(move, place, first, last)
  return { version: Math.min(last, Math.max(first, wanted)), typed: undefined }
}

const wantedVersion = (move: Exclude<Move, 'quit'>, { version, typed }: Place, first: number, last: number): number => {
  switch (move) {
    case 'next':
      return version + 1
    case 'previous':
      return version - 1
    case 'first':
      return first
    case 'last':
      return last
    case 'go':
      return typed === undefined || typed === '' ? version : Number(typed)
  }
}

/** A terminal that gives each key as it is pressed. */
export type KeyInput = NodeJS.ReadableStream & { setRawMode(mode: boolean): unknown }

/** Undefined where keys come in lines, or from a file. */
export const keyInput = (stdin: NodeJS.ReadableStream): KeyInput | undefined =>
  'isTTY' in stdin && stdin.isTTY === true && canBeRaw(stdin) ? stdin : undefined

const canBeRaw = (stdin: NodeJS.ReadableStream): stdin is KeyInput =>
  'setRawMode' in stdin && typeof stdin.setRawMode === 'function'

/** Key by key, until the input or the reader ends; however that happens, the terminal is as it was before. */
export async function* pressedKeys(input: KeyInput): AsyncGenerator<string> {
  input.setRawMode(true)
  try {
    for await (const chunk of input) yield* keysIn(String(chunk))
  } finally {
    input.setRawMode(false)
  }
}
