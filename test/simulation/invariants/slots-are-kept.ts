/** I30: no worker ever runs more attempts than it has slots; one that was taken away takes none, whatever its handler does. */
import type { InvariantOf } from './invariant.js'

export const slotsAreKept: InvariantOf = (violated) => ({
  sent: (sent) => {
    if (sent.type === 'runs' && sent.attempts > sent.slots)
      violated(`I30 worker ${sent.worker} runs ${sent.attempts} attempts in ${sent.slots} slots`)
  },
})
