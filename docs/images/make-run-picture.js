/**
 * Makes the picture of a run: captures `tasker demo` in a terminal, and draws what it printed as an SVG.
 *
 * `node docs/images/make-run-picture.js` captures a new run and draws it; it needs a build, free ports 8080 and 9190, and `script` of
 * util-linux for the terminal. `--draw` draws the capture that is there; `--check` says whether the picture is what the capture gives.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CAPTURE = new URL('run.ansi', import.meta.url)
const PICTURE = new URL('run.svg', import.meta.url)
const PROGRAM = fileURLToPath(new URL('../../server/bin/tasker.js', import.meta.url))

const COLUMNS_MAX = 104
const RUN_MS_MAX = 120_000
const LAST_LINE = 'Running; Ctrl-C stops'

const CHARACTER_WIDTH = 7.8
const LINE_HEIGHT = 18
const MARGIN = 20

/** Colours of the terminal by the numbers of its escapes; both themes of a reader see the same picture. */
const STYLE_OF = {
  0: {},
  1: { bold: true },
  2: { dim: true },
  22: { bold: false, dim: false },
  31: { fill: '#ff7b72' },
  32: { fill: '#7ee787' },
  33: { fill: '#e3b341' },
  36: { fill: '#79c0ff' },
  39: { fill: undefined },
}

/** Runs the demo in a terminal and resolves with what it printed until it says that it keeps running. */
const capture = () =>
  new Promise((resolve, reject) => {
    const folder = mkdtempSync(join(tmpdir(), 'tasker-picture-'))
    const command = `stty cols 200; exec ${process.execPath} ${PROGRAM} demo --ephemeral`
    const environment = { ...process.env, TERM: 'xterm-256color' }
    delete environment.NO_COLOR
    const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: folder, env: environment })
    const late = setTimeout(() => child.kill('SIGTERM'), RUN_MS_MAX)
    let text = ''
    child.stdout.on('data', (chunk) => {
      const before = text
      text += chunk.toString('utf8')
      // What Ctrl-C writes into a terminal.
      if (!before.includes(LAST_LINE) && text.includes(LAST_LINE)) setTimeout(() => child.stdin.write('\u0003'), 200)
    })
    child.once('error', reject)
    child.once('close', () => {
      clearTimeout(late)
      rmSync(folder, { recursive: true, force: true })
      const lines = text.replaceAll('\r', '').split('\n')
      const last = lines.findIndex((line) => line.includes(LAST_LINE))
      if (last === -1) reject(new Error(`the demo did not come to its end:\n${text}`))
      else resolve(`${lines.slice(0, last + 1).join('\n')}\n`)
    })
  })

/** The pieces of a line, each with its style. A style goes on behind the end of a line. */
const pieces = (line, style) => {
  const found = []
  let current = style
  for (const part of line.split(/(\u001b\[[\d;]*m)/)) {
    const escape = /^\u001b\[([\d;]*)m$/.exec(part)
    if (escape === null) {
      if (part !== '') found.push({ text: part, style: current })
    } else {
      for (const number of (escape[1] || '0').split(';'))
        current = number === '0' ? {} : { ...current, ...(STYLE_OF[number] ?? {}) }
    }
  }
  return { found, style: current }
}

const cut = (found) => {
  let left = COLUMNS_MAX
  const kept = []
  for (const { text, style } of found) {
    if (left <= 0) break
    const fits = [...text]
    kept.push({ text: fits.length <= left ? text : `${fits.slice(0, left - 1).join('')}…`, style })
    left -= fits.length
  }
  return kept
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** A piece at its column, as wide as in the terminal whatever the reader's font. */
const pieceText = ({ text, style }, column, y) => {
  const blanks = text.length - text.trimStart().length
  const shown = text.trim()
  if (shown === '') return ''
  const attributes = [
    `x="${(MARGIN + (column + blanks) * CHARACTER_WIDTH).toFixed(1)}" y="${y}"`,
    `textLength="${([...shown].length * CHARACTER_WIDTH).toFixed(1)}" lengthAdjust="spacingAndGlyphs"`,
    style.fill === undefined ? '' : `fill="${style.fill}"`,
    style.bold ? 'font-weight="bold"' : '',
    style.dim ? 'opacity="0.65"' : '',
  ]
  return `<text ${attributes.filter((attribute) => attribute !== '').join(' ')}>${escaped(shown)}</text>`
}

const lineText = (found, y) => {
  let column = 0
  return found
    .map((piece) => {
      const text = pieceText(piece, column, y)
      column += [...piece.text].length
      return text
    })
    .join('')
}

/** The capture as an SVG; the same capture always gives the same picture. */
const drawing = (text) => {
  const lines = text.replace(/^\n+|\n+$/g, '').split('\n')
  let style = {}
  const rows = lines.map((line, index) => {
    const read = pieces(line, style)
    style = read.style
    return lineText(cut(read.found), MARGIN + LINE_HEIGHT * (index + 1) - 4)
  })
  const width = Math.ceil(2 * MARGIN + COLUMNS_MAX * CHARACTER_WIDTH)
  const height = 2 * MARGIN + LINE_HEIGHT * lines.length
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    '<title>A run of npm start, as the terminal showed it</title>',
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    '<g xml:space="preserve" style="white-space: pre" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" fill="#e6edf3">',
    ...rows.filter((row) => row !== ''),
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

const mode = process.argv[2] ?? '--capture'
if (mode === '--capture') writeFileSync(CAPTURE, await capture())
const picture = drawing(readFileSync(CAPTURE, 'utf8'))
if (mode !== '--check') writeFileSync(PICTURE, picture)
else if (readFileSync(PICTURE, 'utf8') !== picture) {
  process.stderr.write(
    'docs/images/run.svg is not what docs/images/run.ansi gives: run node docs/images/make-run-picture.js --draw\n',
  )
  process.exitCode = 1
}
