/** What all pictures share: colours that can be read in a light and in a dark theme, and texts that are safe in XML. */

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** A coordinate with as many digits as a screen has. */
export const at = (value: number): string => String(Number(value.toFixed(1)))

const FONT = "font: 12px ui-sans-serif, system-ui, -apple-system, 'Segoe UI', sans-serif"

const theme = (paper: string, ink: string, soft: string, line: string, series: readonly string[]): string =>
  [
    `.paper { fill: ${paper} } .ink { fill: ${ink} } .soft { fill: ${soft} } .line { stroke: ${line} }`,
    ...series.map((colour, n) => `.s${n} { stroke: ${colour} } .m${n} { fill: ${colour} }`),
  ].join(' ')

const STYLE = `text { ${FONT} } .series { fill: none; stroke-width: 2 }
${theme('#ffffff', '#1f2328', '#59636e', '#d1d9e0', ['#0969da', '#bc4c00', '#1a7f37'])}
@media (prefers-color-scheme: dark) { ${theme('#0d1117', '#f0f6fc', '#9198a1', '#3d444d', ['#4493f8', '#f0883e', '#3fb950'])} }`

export interface Picture {
  readonly width: number
  readonly height: number
  readonly title: string
  readonly body: readonly string[]
}

export const picture = ({ width, height, title, body }: Picture): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${width}" height="${height}" rx="6"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n')
