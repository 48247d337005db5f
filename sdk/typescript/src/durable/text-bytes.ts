/** How many bytes a text has in UTF-8. */

const TWO_BYTES = 0x80
const THREE_BYTES = 0x800
const HIGH_SURROGATE = 0xd800
const LOW_SURROGATE = 0xdc00
const AFTER_SURROGATES = 0xe000

/** A lone half of a surrogate pair counts as the replacement character, which has three. */
export const textBytes = (text: string): number => {
  let bytes = text.length
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < TWO_BYTES) continue
    bytes += code < THREE_BYTES ? 1 : 2
    // A pair has four bytes, which is one for each half and two more.
    if (code >= HIGH_SURROGATE && code < LOW_SURROGATE && isLow(text.charCodeAt(index + 1))) index++
  }
  return bytes
}

const isLow = (code: number): boolean => code >= LOW_SURROGATE && code < AFTER_SURROGATES
