/** An analyzer splits the work into ranges, workers do them with checkpoints, and a convergence adds up what they did. */
import { defineBatchAnalyzer, defineStep, StepHandler, Worker, type BatchWorkerContext, type StepContext } from '@tasker/sdk'

interface Input {
  rows: number
}
interface Imported {
  rows: number
  cents: number
  began_at: number
}

/** Stands for a file: what row `index` is worth. */
const centsOf = (index: number): number => (index % 10) * 100

const split = defineBatchAnalyzer<Input>('Import.Split', ({ input, batches, noBatches, batchLimits }) => {
  if (input.rows === 0) return noBatches('there are no rows')
  const size = batchLimits.batchSize ?? 100
  const ranges = Array.from({ length: Math.ceil(input.rows / size) }, (_, index) => {
    const [start, end] = [index * size, Math.min((index + 1) * size, input.rows)]
    return { start, end, size: end - start }
  })
  return batches(ranges, { totalItems: input.rows })
})

/** How many rows are done between two checkpoints. */
const ROWS_A_CHECKPOINT = 10

class ImportRows extends StepHandler<BatchWorkerContext> {
  readonly callable = 'Import.Rows'

  async call({ batch, cursor, checkpoint, attempt }: StepContext & BatchWorkerContext): Promise<Imported> {
    const [end, began_at] = [Number(batch.end), Number(cursor?.cursor ?? batch.start)]
    let cents = Number(cursor?.accumulated ?? 0)
    for (let row = began_at; row < end; row++) {
      cents += centsOf(row)
      const done = row + 1
      if (done % ROWS_A_CHECKPOINT === 0)
        await checkpoint({ cursor: done, itemsProcessed: done - Number(batch.start), accumulated: cents })
      // The power fails once, in the middle of the second part; what was saved is not done again.
      if (attempt === 1 && row === 64) throw new Error('the power failed')
    }
    return { rows: end - Number(batch.start), cents, began_at }
  }
}

const report = defineStep<Input>('Import.Report', ({ getAllDependencyResults }) => {
  const parts = getAllDependencyResults('import_rows_').map((part) => Object(part) as Imported)
  return {
    parts: parts.length,
    rows: parts.reduce((sum, part) => sum + part.rows, 0),
    cents: parts.reduce((sum, part) => sum + part.cents, 0),
    began_at: parts.map((part) => part.began_at),
  }
})

const url = process.env['TASKER_GRPC_URL'] ?? 'localhost:9190'

const worker = new Worker({
  url,
  namespace: 'shop',
  handlers: [split, new ImportRows(), report],
  onConnect: () => process.stdout.write(`batch-import worker connected to ${url}\n`),
})

await worker.run()
