/** How the library names itself to the server. */

export const SDK_VERSION = '0.1.0'

export const SDK_NAME = `tasker-typescript/${SDK_VERSION}`
