/** A file of proofs: one document, or one a line, as it is or compressed. */
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { checkProof, type ProofVerdict, type TrustedKeys } from '../audit/check-proof.js'
import { linesIn } from '../audit/lines.js'
import { Fault } from '../faults.js'

export interface CheckedProof {
  /** From 1; the last line of a document that stands on several. */
  readonly line: number
  readonly verdict: ProofVerdict
}

/** Characters of a document that stands on several lines. */
const DOCUMENT_CHARS_MAX = 256 * 1024 * 1024

/** Ends after the first that is unsound. Throws a `Fault` when the file cannot be read. */
export async function* checkProofFile(file: string, trusted: TrustedKeys): AsyncGenerator<CheckedProof> {
  let number = 0
  for await (const text of documentsOf(linesOf(file), (lines) => (number += lines))) {
    const document = parsed(text)
    const verdict = document === undefined ? noJson : checkProof(document.value, trusted)
    yield { line: number, verdict }
    if (verdict.type === 'unsound') return
  }
}

/** A line each, or, where the first line is a brace alone, all lines as one: somebody has laid the document out for reading. */
async function* documentsOf(lines: AsyncIterable<string>, passed: (lines: number) => void): AsyncGenerator<string> {
  let whole: string[] | undefined
  let chars = 0
  for await (const line of lines) {
    passed(1)
    if (whole === undefined && line.trim() === '{') whole = []
    if (whole === undefined) {
      if (line.trim() !== '') yield line
      continue
    }
    chars += line.length
    if (chars <= DOCUMENT_CHARS_MAX) whole.push(line)
  }
  if (whole !== undefined) yield whole.join('\n')
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const bytes = createReadStream(file)
  const input = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes
  bytes.on('error', (error) => input.destroy(error))
  try {
    for await (const { text } of linesIn(input)) yield text
  } catch (error) {
    throw unreadable(file, error)
  } finally {
    bytes.destroy()
  }
}

const unreadable = (file: string, cause: unknown): Fault =>
  new Fault(
    {
      code: 'INVALID_INPUT',
      reason: 'PROOF_NOT_READ',
      message: `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      retryable: false,
    },
    cause,
  )

const noJson: ProofVerdict = { type: 'unsound', at: '/', message: 'is no JSON' }

const parsed = (text: string): { readonly value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}
