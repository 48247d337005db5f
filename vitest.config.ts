/** How tests find what they test: sources, through the `source` condition of each package, without a build. */
import { defineConfig } from 'vitest/config'

// `import` is left out: the runner hands these to Node, which would then give ES modules to `require` as well.
const conditions = ['source', 'node']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  // The environment in which the global set-up runs.
  environments: { __vitest__: { resolve: { conditions } } },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['test/support/postgres-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
