/** The clock that tests of the engine turn is the one that users turn. */
export { settled, VirtualClock } from '@tasker/testing/internal/virtual-clock'
