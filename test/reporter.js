/**
 * Counts what vitest ran into the file that `test/run.js` reads. A test that left itself out with a note (`context.skip(note)`) says
 * what would let it run; one whose condition (`runIf`, `skipIf`) does not hold is for another kind of machine.
 */
import { writeFileSync } from 'node:fs'

export default class CountingReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: unhandledErrors.length, leftOut: [], elsewhere: [] }
    for (const module of modules) {
      // A file that cannot be loaded holds no test to count.
      count.failed += module.errors().length
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') count.passed += 1
        else if (result.state === 'failed') count.failed += 1
        else if (result.note) count.leftOut.push({ name: test.fullName, note: result.note })
        else count.elsewhere.push(test.fullName)
      }
    }
    const file = process.env.TASKER_TEST_COUNT
    if (file) writeFileSync(file, JSON.stringify(count))
  }
}
