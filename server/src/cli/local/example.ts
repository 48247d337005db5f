/** The example that `npm start` runs: where its built worker, its template and its input are. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Fault } from '../../faults.js'

export interface Example {
  readonly workerScript: string
  /** The template's text. */
  readonly template: string
  /** The input's JSON text. */
  readonly context: string
}

/** Sources and the build lie at the same depth below the root. */
const EXAMPLES = new URL('../../../../examples/', import.meta.url)
const NAME = '01-order-fulfillment'

export const orderFulfillment = async (): Promise<Example> => {
  const place = (path: string): string => fileURLToPath(new URL(path, EXAMPLES))
  const workerScript = place(`dist/${NAME}/worker.js`)
  const files = [place(`${NAME}/template.yaml`), place(`${NAME}/input.json`)] as const
  const missing = [workerScript, ...files].find((file) => !existsSync(file))
  if (missing !== undefined) {
    throw new Fault({
      code: 'NOT_FOUND',
      reason: 'EXAMPLE_NOT_FOUND',
      message: `${missing} is not there`,
      hint: 'the demo runs in a checkout of the project, after npm run build',
    })
  }
  const [template, context] = await Promise.all(files.map((file) => readFile(file, 'utf8')))
  return { workerScript, template: template ?? '', context: context ?? '{}' }
}
