/** Text of others on one line of the terminal: what it holds may be anything. */

const CHARS_MAX = 160

/** Without control characters, which would write over the terminal. */
export const oneLine = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')

/** The same, and no longer than a line. */
export const shortLine = (text: string): string => {
  const line = oneLine(text)
  return line.length > CHARS_MAX ? `${line.slice(0, CHARS_MAX - 1)}…` : line
}
