/** The picture of a run is what a terminal showed. */
import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { REPOSITORY } from '../support/processes.js'
import { pageText } from './markdown.js'

test('the picture is drawn from the capture that lies beside it', () => {
  const check = spawnSync(process.execPath, [`${REPOSITORY}/docs/images/make-run-picture.js`, '--check'], { encoding: 'utf8' })
  expect(check.stderr).toBe('')
  expect(check.status).toBe(0)
})

test('the capture is of a run that came to its end, through a retry', () => {
  const capture = pageText('docs/images/run.ansi')
  for (const seen of ['step.retry_scheduled', 'task.completed', 'Result: ', 'Ctrl-C stops']) expect(capture).toContain(seen)
})
