/** A growth as a picture: lines over an axis, the same for the same figures. */
import type { Growth, Plot, Point } from '../growth/growth.js'
import { compact, powersAround, roundPlaces } from './numbers.js'
import { at, escaped, picture } from './svg.js'

const WIDTH = 680
const HEIGHT = 320
const FIELD = { left: 70, right: WIDTH - 24, top: 58, bottom: HEIGHT - 52 }
/** What lies further apart is drawn by its powers of ten. */
const LINEAR_MAX = 30

interface Scale {
  readonly places: readonly number[]
  of(value: number): number
}

const between = (from: number, to: number, share: number): number => from + (to - from) * share

const vertical = (values: readonly number[]): Scale => {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const byPowers = least > 0 && most / least > LINEAR_MAX
  const places = byPowers ? powersAround(least, most) : roundPlaces(most)
  const [low = 0, high = 1] = [places[0], places.at(-1)]
  const share = (value: number): number =>
    byPowers ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low || 1)
  return { places, of: (value) => between(FIELD.bottom, FIELD.top, share(value)) }
}

const horizontal = (values: readonly number[], scale: Growth['x']['scale']): Scale => {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const share = (value: number): number =>
    high === low ? 0.5 : scale === 'log' ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)
  return { places: values, of: (value) => between(FIELD.left + 20, FIELD.right - 20, share(value)) }
}

export const plotSvg = ({ title: of, x }: Growth, { title, unit, series }: Plot, points: readonly Point[]): string => {
  const valueOf = (point: Point, field: string): number => point[field] ?? 0
  const across = horizontal(
    points.map((point) => valueOf(point, x.field)),
    x.scale,
  )
  const up = vertical(points.flatMap((point) => series.map(({ field }) => valueOf(point, field))))
  const lines = series.flatMap(({ field }, n) => {
    const places = points.map((point) => [at(across.of(valueOf(point, x.field))), at(up.of(valueOf(point, field)))] as const)
    return [
      `<polyline class="series s${n}" points="${places.map((place) => place.join(',')).join(' ')}"/>`,
      ...places.map(
        ([cx, cy], index) =>
          `<circle class="m${n}" cx="${cx}" cy="${cy}" r="4"><title>${compact(valueOf(points[index] ?? {}, field))}</title></circle>`,
      ),
    ]
  })
  return picture({
    width: WIDTH,
    height: HEIGHT,
    title: `${of}: ${title}`,
    body: [
      `<text class="ink" x="${FIELD.left - 50}" y="24" font-weight="600">${escaped(title)}</text>`,
      ...legend(series.map(({ label }) => label)),
      ...up.places.flatMap((place) => rung(at(up.of(place)), compact(place))),
      ...across.places.map(
        (place) =>
          `<text class="soft" x="${at(across.of(place))}" y="${FIELD.bottom + 20}" text-anchor="middle">${compact(place)}</text>`,
      ),
      `<text class="soft" x="${at((FIELD.left + FIELD.right) / 2)}" y="${HEIGHT - 12}" text-anchor="middle">${escaped(x.label)}</text>`,
      `<text class="soft" x="${FIELD.left - 50}" y="46">${escaped(unit)}</text>`,
      ...lines,
    ],
  })
}

const rung = (y: string, label: string): readonly string[] => [
  `<line class="line" x1="${FIELD.left}" x2="${FIELD.right}" y1="${y}" y2="${y}"/>`,
  `<text class="soft" x="${FIELD.left - 8}" y="${y}" dy="4" text-anchor="end">${label}</text>`,
]

const LEGEND_WIDTH = 150

const legend = (labels: readonly string[]): readonly string[] =>
  labels.flatMap((label, n) => {
    const x = FIELD.right - LEGEND_WIDTH * (labels.length - n) + 10
    return [`<circle class="m${n}" cx="${x}" cy="20" r="4"/>`, `<text class="ink" x="${x + 10}" y="24">${escaped(label)}</text>`]
  })
