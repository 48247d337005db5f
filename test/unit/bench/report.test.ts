import { describe, expect, test } from 'vitest'
import { GROWTHS } from '../../bench/growth/all.js'
import { tenthsOf } from '../../bench/growth/graph-length.js'
import { compact, powersAround, roundPlaces, shown } from '../../bench/report/numbers.js'
import { flameSvg } from '../../bench/report/flame-svg.js'
import { plotSvg } from '../../bench/report/plot.js'
import { type FiguresOfRuns, median, type Target, TARGETS, verdictOn } from '../../bench/targets/targets.js'
import { WORKLOADS } from '../../bench/workloads.js'

describe('a target', () => {
  const faster: Target = {
    title: 'W1',
    workload: 'W1',
    figure: 'steps_per_s',
    unit: 'steps/s',
    better: 'more',
    reach: { type: 'times', peer: 'restate', factor: 3 },
  }
  const figures: FiguresOfRuns = {
    W1: {
      tasker: { steps_per_s: [900, 1_000, 1_500], p99_ms: [12, 10, 40] },
      restate: { steps_per_s: [250, 300, 400], p99_ms: [40, 50, 60] },
      dbos: { steps_per_s: [80, 100, 90] },
    },
  }

  test('is met by so many times the median of its peer', () => {
    expect(verdictOn(faster, figures)).toMatchObject({ reached: 1_000 / 300, met: true, peers: { restate: 300, dbos: 90 } })
    expect(verdictOn({ ...faster, reach: { type: 'times', peer: 'dbos', factor: 12 } }, figures)).toMatchObject({ met: false })
  })

  test('turns the ratio round where less is better', () => {
    const p99 = { ...faster, figure: 'p99_ms', better: 'less' } as const
    expect(verdictOn(p99, figures)).toMatchObject({ reached: 50 / 12, met: true })
  })

  test('has an upper bound of its own', () => {
    const p99 = { ...faster, figure: 'p99_ms', better: 'less' } as const
    expect(verdictOn({ ...p99, reach: { type: 'at_most', value: 12 } }, figures)).toMatchObject({ reached: 12, met: true })
    expect(verdictOn({ ...p99, reach: { type: 'at_most', value: 11 } }, figures)).toMatchObject({ met: false })
  })

  test('is not met while its peer did not run, and says nothing where nothing ran', () => {
    expect(verdictOn(faster, { W1: { tasker: { steps_per_s: [1] } } })).toMatchObject({ reached: undefined, met: false })
    expect(verdictOn(faster, {})).toBeUndefined()
  })

  test('is of a workload that there is', () => {
    for (const { workload } of TARGETS) expect(Object.keys(WORKLOADS)).toContain(workload)
  })
})

test('a median of an even number lies between the two in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([3, 1, 2])).toBe(2)
})

test('the tenths of a task are its first steps and its last ones', () => {
  const slowAtTheEnd = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12]
  expect(tenthsOf([...slowAtTheEnd, ...slowAtTheEnd], 10)).toEqual({
    first_tenth_ms: 1,
    last_tenth_ms: 4,
    last_to_first: 4,
    ms_per_step: 1.333,
  })
})

describe('numbers', () => {
  test.each([
    [14_666.4, '14,666'],
    [123, '123'],
    [12.345, '12.3'],
    [0.08312, '0.0831'],
    [0, '0'],
    [Number.NaN, '–'],
  ])('%d is shown as %s', (value, text) => {
    expect(shown(value)).toBe(text)
  })

  test.each([
    [1, '1'],
    [1_000, '1,000'],
    [10_000, '10k'],
    [20_250_000, '20.3M'],
  ])('%d is %s on an axis', (value, text) => {
    expect(compact(value)).toBe(text)
  })

  test('an axis has round places up to what is drawn', () => {
    expect(roundPlaces(17)).toEqual([0, 5, 10, 15, 20])
    expect(roundPlaces(20_000)).toEqual([0, 5_000, 10_000, 15_000, 20_000])
    expect(powersAround(3, 450)).toEqual([1, 10, 100, 1_000])
  })
})

describe('a picture', () => {
  const points = [
    { in_flight: 1, steps_per_s: 300, p50_ms: 3, p99_ms: 12 },
    { in_flight: 100, steps_per_s: 14_000, p50_ms: 40, p99_ms: 900 },
  ]
  const [growth] = GROWTHS
  const svgs = (growth?.plots ?? []).map((plot) => (growth === undefined ? '' : plotSvg(growth, plot, points)))

  test('has every point of every line inside of it', () => {
    expect(svgs).toHaveLength(2)
    for (const svg of svgs) {
      const places = [...svg.matchAll(/<polyline [^>]*points="([^"]+)"/g)].flatMap(([, text = '']) => text.split(' '))
      expect(places.length).toBeGreaterThanOrEqual(2)
      for (const place of places) {
        const [x = -1, y = -1] = place.split(',').map(Number)
        expect(x).toBeGreaterThan(0)
        expect(x).toBeLessThan(680)
        expect(y).toBeGreaterThan(0)
        expect(y).toBeLessThan(320)
      }
    }
  })

  test('can be read in both themes, and is the same for the same figures', () => {
    const [growthAgain, plot] = [GROWTHS[0], GROWTHS[0]?.plots[0]]
    if (growthAgain === undefined || plot === undefined) throw new Error('there is no growth')
    expect(plotSvg(growthAgain, plot, points)).toBe(svgs[0])
    expect(svgs[0]).toContain('@media (prefers-color-scheme: dark)')
  })

  test('shows the functions of a flame by their width, with names that are safe in XML', () => {
    const svg = flameSvg('all', [
      { depth: 0, share: 100_000, name: 'all' },
      { depth: 1, share: 50_000, name: '<anonymous> & more server/x.js' },
      { depth: 1, share: 25_000, name: 'next' },
    ])
    expect(svg).toContain('&lt;anonymous&gt; &amp; more server/x.js: 50.0 %')
    const rects = [...svg.matchAll(/<rect x="([^"]+)" y="([^"]+)" width="([^"]+)"/g)].map((found) => found.slice(1).map(Number))
    const [[, , whole = 0] = [], [x = 0, y = 0, half = 0] = [], [nextX = 0, nextY = -1] = []] = rects
    expect(half).toBeCloseTo(whole / 2, 0)
    expect(nextX - x).toBeCloseTo(half + 0.5, 0)
    expect(nextY).toBe(y)
  })
})
