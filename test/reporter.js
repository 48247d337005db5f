/** Counts what vitest ran, and what it left out with the reason given, into the file that `test/run.js` reads. */
import { writeFileSync } from 'node:fs'

export default class CountingReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: unhandledErrors.length, leftOut: [] }
    for (const module of modules) {
      // A file that cannot be loaded holds no test to count.
      count.failed += module.errors().length
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') count.passed += 1
        else if (result.state === 'failed') count.failed += 1
        else count.leftOut.push({ name: test.fullName, note: result.note ?? 'no reason given' })
      }
    }
    const file = process.env.TASKER_TEST_COUNT
    if (file) writeFileSync(file, JSON.stringify(count))
  }
}
