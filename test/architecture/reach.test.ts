/** Every source with a branch in it is used by a test, and one that is not is found. */
import { expect, test } from 'vitest'
import { untested } from './reach.js'
import { foundIn, projectRoot, readTree } from './tree.js'

const BRANCH = 'export const pick = (a: boolean) => (a ? 1 : 2)\n'
const missed = (path: string): string => `${path}: decides something, and no test comes into its room to use it`

test('each source of the project that decides something is used by a test, by itself or through its room', () => {
  expect(untested(readTree(projectRoot))).toEqual([])
})

test('a source with a branch that no test imports is found', async () => {
  const files = { 'core/src/task/pick.ts': BRANCH, 'core/src/task/plain.ts': 'export const one = 1\n' }
  expect(await foundIn(files, untested)).toEqual([missed('core/src/task/pick.ts')])
})

test('an internal import, a name behind a front door, and what its room imports further in count as tested', async () => {
  const files = {
    'core/src/index.ts': "export { pick } from './task/pick.js'\nexport { other } from './task/other.js'\n",
    'core/src/task/pick.ts': `import { deep } from './deep.js'\n${BRANCH}deep()\n`,
    'core/src/task/deep.ts': BRANCH.replace('pick', 'deep'),
    'core/src/task/other.ts': BRANCH.replace('pick', 'other'),
    'server/src/log/codec.ts': BRANCH,
    'test/unit/core/pick.test.ts':
      "import { pick } from '@tasker/core'\nimport {} from '@tasker/server/internal/log/codec'\npick(true)\n",
  }
  expect(await foundIn(files, untested)).toEqual([missed('core/src/task/other.ts')])
})

test('a room that only another room leads to has no test of its own', async () => {
  const files = {
    'server/src/rest/app.ts': "import './routes.js'\n",
    'server/src/rest/routes.ts': `import '../query/query.js'\n${BRANCH}`,
    'server/src/query/query.ts': BRANCH,
    'test/integration/one.test.ts': "import '@tasker/server/internal/rest/app'\n",
  }
  expect(await foundIn(files, untested)).toEqual([missed('server/src/query/query.ts')])
})

test('a test that runs the program uses its entry', async () => {
  const files = {
    'server/src/cli/main.ts': BRANCH,
    'test/integration/run.test.ts': "import { spawn } from 'node:child_process'\nspawn('node', ['server/bin/tasker.js'])\n",
  }
  expect(await foundIn(files, untested)).toEqual([])
})
