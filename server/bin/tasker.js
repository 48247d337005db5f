#!/usr/bin/env node
// Starts the built command line; committed so that npm can link it before the first build.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const built = new URL('../dist/cli/main.js', import.meta.url)

if (existsSync(fileURLToPath(built))) {
  const { main } = await import(built.href)
  await main(process.argv)
} else {
  process.stderr.write('tasker is not built yet.\n  Run: npm run build\n')
  process.exitCode = 1
}
