/** The committed entry of the command line. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('without a build it says how to make one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tasker-bin-'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  mkdirSync(join(folder, 'bin'))
  const program = join(folder, 'bin', 'tasker.js')
  copyFileSync(fileURLToPath(new URL('../../../../server/bin/tasker.js', import.meta.url)), program)
  const { status, stderr, stdout } = spawnSync(process.execPath, [program, 'dev'], { encoding: 'utf8' })
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toContain('npm run build')
})
