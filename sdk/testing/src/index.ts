/** The front door of the package for tests. */
export { createTestEnv, type TestEnv, type TestEnvOptions } from './env.js'
export { replay, type FunctionHistory, type Replayed } from '@tasker/sdk'
export type { Mock } from './mocks.js'
