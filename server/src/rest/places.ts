/** A bounded number of things open at once: who comes when all places are taken is turned away. */
import { Fault, type FaultDetail } from '../faults.js'

export interface Places {
  /** Takes a place and returns the way to give it back, which counts once. Throws the fault when none is free. */
  take(): () => void
}

export const placesFor = (placesMax: number, whenFull: FaultDetail): Places => {
  let taken = 0
  return {
    take: () => {
      if (taken >= placesMax) throw new Fault(whenFull)
      taken++
      let held = true
      return () => {
        if (held) taken--
        held = false
      }
    },
  }
}
