/** Semantic versions: which of two is the later, and which of many is the latest. https://semver.org */

export interface Semver {
  readonly major: number
  readonly minor: number
  readonly patch: number
  /** Empty for a release. */
  readonly prerelease: readonly string[]
}

const CORE = /^(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,14})$/
const IDENTIFIER = /^(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)$/
const BUILD_IDENTIFIER = /^[0-9A-Za-z-]+$/
const NUMERIC = /^\d+$/

/** Undefined when the text is no semantic version. */
export const parseSemver = (version: string): Semver | undefined => {
  const plus = version.indexOf('+')
  const withoutBuild = plus === -1 ? version : version.slice(0, plus)
  if (
    plus !== -1 &&
    !version
      .slice(plus + 1)
      .split('.')
      .every((part) => BUILD_IDENTIFIER.test(part))
  )
    return undefined
  const dash = withoutBuild.indexOf('-')
  const core = CORE.exec(dash === -1 ? withoutBuild : withoutBuild.slice(0, dash))
  if (core === null) return undefined
  const prerelease = dash === -1 ? [] : withoutBuild.slice(dash + 1).split('.')
  if (!prerelease.every((part) => IDENTIFIER.test(part))) return undefined
  return { major: Number(core[1]), minor: Number(core[2]), patch: Number(core[3]), prerelease }
}

/** Below 0 when `a` comes before `b`; a pre-release comes before its release. Build metadata does not count. */
export const compareSemver = (a: Semver, b: Semver): number =>
  a.major - b.major || a.minor - b.minor || a.patch - b.patch || comparePrerelease(a.prerelease, b.prerelease)

const comparePrerelease = (a: readonly string[], b: readonly string[]): number => {
  if (a.length === 0 || b.length === 0) return b.length - a.length
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const order = compareIdentifiers(a[i] ?? '', b[i] ?? '')
    if (order !== 0) return order
  }
  return a.length - b.length
}

const compareIdentifiers = (a: string, b: string): number => {
  const numericA = NUMERIC.test(a)
  const numericB = NUMERIC.test(b)
  if (numericA !== numericB) return numericA ? -1 : 1
  if (numericA && a.length !== b.length) return a.length - b.length
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * The latest of some versions: the highest release, or the highest pre-release when there is no release. Texts that are no semantic
 * versions count below all others; of two that are equal by precedence the later in the list counts.
 */
export const latestVersion = (versions: Iterable<string>): string | undefined => {
  let latest: { readonly text: string; readonly version: Semver | undefined } | undefined
  for (const text of versions) {
    const version = parseSemver(text)
    if (latest === undefined || !comesBefore(version, latest.version)) latest = { text, version }
  }
  return latest?.text
}

const comesBefore = (a: Semver | undefined, b: Semver | undefined): boolean => {
  if (a === undefined || b === undefined) return a === undefined && b !== undefined
  const releaseA = a.prerelease.length === 0
  const releaseB = b.prerelease.length === 0
  if (releaseA !== releaseB) return releaseB
  return compareSemver(a, b) < 0
}
