/** How tests find what they test: sources, through the `source` condition of each package, without a build. */
import { defineConfig } from 'vitest/config'

/** `import` and `require` are told by how a module is asked for: naming either here would hand ES modules to `require`. */
const conditions = ['source', 'node']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  // Where vitest loads what prepares a whole run.
  environments: { __vitest__: { resolve: { conditions, noExternal: [/^@tasker\//] } } },
  test: {
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    allowOnly: false,
    projects: [
      {
        extends: true,
        test: { name: 'pure', include: ['test/**/*.test.ts'], exclude: ['test/integration/**', 'test/dist/**'] },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/support/postgres-setup.ts'],
        },
      },
    ],
  },
})
