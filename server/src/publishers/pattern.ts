/** Patterns of event names: words joined by dots, `*` for one word, `**` for any number of them, `*` alone for every name. */

/** Undefined when it is one; else what is wrong with it, for people. */
export const patternProblem = (pattern: string): string | undefined => {
  if (pattern === '') return 'a pattern is empty'
  const half = pattern.split('.').find((word) => word.includes('*') && word !== '*' && word !== '**')
  return half === undefined
    ? undefined
    : `"${half}" is neither a word nor a wildcard: * stands for a whole word, ** for any number of them`
}

/** Whether one of the patterns speaks of the name; all names when there are no patterns. */
export const nameMatcher = (patterns: readonly string[]): ((name: string) => boolean) => {
  if (patterns.length === 0 || patterns.includes('*') || patterns.includes('**')) return () => true
  const words = patterns.map((pattern) => pattern.split('.'))
  return (name) => {
    const nameWords = name.split('.')
    return words.some((pattern) => matches(pattern, nameWords))
  }
}

/** Greedy, with one way back: to the last `**`, which then takes one word more. */
const matches = (pattern: readonly string[], name: readonly string[]): boolean => {
  let p = 0
  let n = 0
  let wide = -1
  let taken = 0
  while (n < name.length) {
    if (pattern[p] === '**') {
      wide = p++
      taken = n
    } else if (p < pattern.length && (pattern[p] === '*' || pattern[p] === name[n])) {
      p++
      n++
    } else if (wide >= 0) {
      p = wide + 1
      n = ++taken
    } else return false
  }
  while (pattern[p] === '**') p++
  return p === pattern.length
}
