import { compareSemver, latestVersion, parseSemver } from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const parsed = (text: string): NonNullable<ReturnType<typeof parseSemver>> => {
  const version = parseSemver(text)
  if (version === undefined) throw new Error(`${text} is no version`)
  return version
}

test.each(['1.0', '1', 'v1.0.0', '01.0.0', '1.0.0-', '1.0.0-01', '1.0.0-a..b', '1.0.0+', '1.0.0-ä', '1.0.0 ', '', '1.0.0.0'])(
  '%j is no semantic version',
  (text) => {
    expect(parseSemver(text)).toBeUndefined()
  },
)

/** In ascending order; the middle is the example of semver.org. */
const ascending = [
  '0.9.9',
  '1.0.0-alpha',
  '1.0.0-alpha.1',
  '1.0.0-alpha.beta',
  '1.0.0-beta',
  '1.0.0-beta.2',
  '1.0.0-beta.11',
  '1.0.0-rc.1',
  '1.0.0',
  '1.0.1',
  '1.2.0',
  '1.10.0',
  '2.0.0-0',
]

test('versions are ordered as semver.org says', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(ascending), (some) => {
      const sorted = some.toSorted((a, b) => compareSemver(parsed(a), parsed(b)))
      expect(sorted).toEqual(ascending.filter((version) => some.includes(version)))
    }),
  )
  expect(compareSemver(parsed('1.0.0+b1'), parsed('1.0.0+b2'))).toBe(0)
})

test('the latest version is the highest release, whatever pre-releases there are', () => {
  expect(latestVersion(ascending)).toBe('1.10.0')
  expect(latestVersion(ascending.toReversed())).toBe('1.10.0')
})

test('without a release the highest pre-release is the latest, and without versions there is none', () => {
  expect(latestVersion(['1.0.0-rc.1', '1.0.0-beta'])).toBe('1.0.0-rc.1')
  expect(latestVersion([])).toBeUndefined()
  expect(latestVersion(['not a version', '0.0.1-a'])).toBe('0.0.1-a')
})
