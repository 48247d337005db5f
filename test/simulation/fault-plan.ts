/** Which faults a run has and how often: drawn from the seed, so that some runs are calm and some are terrible. */
import type { Dice } from './dice.js'

export interface FaultPlan {
  /** Probabilities of one append. */
  readonly appendUnavailable: number
  readonly appendUnknown: number
  readonly slowDisk: number
  /** Probability of one read of the log or the store. */
  readonly readFails: number
  readonly storeWriteFails: number
  /** Milliseconds a projection write takes at most. */
  readonly projectionLagMsMax: number
  /** Mean virtual milliseconds between faults of the whole; 0 for never. */
  readonly crashEveryMs: number
  readonly takeoverEveryMs: number
  readonly streamCutEveryMs: number
  readonly workerDeathEveryMs: number
  readonly workerFreezeEveryMs: number
  readonly clockStepEveryMs: number
  /** Probabilities of one attempt at a worker. */
  readonly stepFails: number
  readonly stepFailsForGood: number
  readonly stepHangs: number
  readonly resultTwice: number
  /** Probability of a result that the log refuses to keep. */
  readonly resultPoisoned: number
  /** Mean virtual milliseconds between workers that drain and are started anew; 0 for never. */
  readonly workerDrainEveryMs: number
  /** Probabilities of one call to the transport of domain events; of a lost answer, the work is done or not. */
  readonly transportAway: number
  readonly transportAnswerLost: number
  /** Probability of one call of a port: the process dies in it, before its effect or after it. */
  readonly crashAtCall: number
  /** Probability of one projection write: its writer, and so the process, dies with the rows written or not. */
  readonly projectionWriterCrash: number
  /** Probability of one attempt: its handler hears no cancellation and answers when its time was over long ago. */
  readonly answersLate: number
  /** Probability of one attempt: its handler says nothing while it works. */
  readonly handlerSilent: number
  /** Probabilities of one call of a client: it never arrives, its answer never does, it arrives twice. */
  readonly requestLost: number
  readonly answerLost: number
  readonly requestTwice: number
  /** Milliseconds a message is under way at most; calls overtake each other, messages of one stream do not. */
  readonly networkMsMax: number
  /** Probability of one message of a stream: it is lost, and the stream with it. */
  readonly messageLost: number
  /** Probability of one broken stream: what was under way to the server arrives all the same, late, when the worker may be on another stream. */
  readonly brokenStreamArrives: number
  /** Milliseconds until the server learns of a broken stream, at most. */
  readonly halfOpenMsMax: number
  /** Mean virtual milliseconds between moments in which memory is so short that every folded task leaves it; 0 for never. */
  readonly memoryPressureEveryMs: number
}

/** Of the faults that came with the network: none. */
const QUIET = {
  crashAtCall: 0,
  projectionWriterCrash: 0,
  answersLate: 0,
  handlerSilent: 0,
  requestLost: 0,
  answerLost: 0,
  requestTwice: 0,
  networkMsMax: 2,
  messageLost: 0,
  brokenStreamArrives: 0,
  halfOpenMsMax: 2,
  memoryPressureEveryMs: 0,
}

/** Stands in results that the log refuses. */
export const POISON = 'poison'

export const drawFaultPlan = (dice: Dice): FaultPlan => {
  const rate = (max: number): number => (dice.chance(0.6) ? dice.next() * max : 0)
  const everyMs = (min: number, max: number): number => (dice.chance(0.6) ? dice.between(min, max) : 0)
  return {
    appendUnavailable: rate(0.1),
    appendUnknown: rate(0.1),
    slowDisk: rate(0.1),
    readFails: rate(0.05),
    storeWriteFails: rate(0.2),
    projectionLagMsMax: dice.chance(0.3) ? dice.between(1_000, 60_000) : 50,
    crashEveryMs: everyMs(3_000, 30_000),
    takeoverEveryMs: everyMs(5_000, 40_000),
    streamCutEveryMs: everyMs(2_000, 20_000),
    workerDeathEveryMs: everyMs(5_000, 40_000),
    workerFreezeEveryMs: everyMs(10_000, 60_000),
    clockStepEveryMs: everyMs(5_000, 40_000),
    stepFails: rate(0.3),
    stepFailsForGood: rate(0.05),
    stepHangs: rate(0.05),
    resultTwice: rate(0.3),
    resultPoisoned: 0,
    workerDrainEveryMs: 0,
    transportAway: 0,
    transportAnswerLost: 0,
    ...QUIET,
  }
}

/** Faults that came to the plan later, drawn apart: the worlds that earlier seeds made stay what they were without them. */
export const drawLaterFaults = (
  dice: Dice,
): Pick<FaultPlan, 'resultPoisoned' | 'workerDrainEveryMs' | 'transportAway' | 'transportAnswerLost'> => ({
  resultPoisoned: dice.chance(0.4) ? dice.next() * 0.1 : 0,
  workerDrainEveryMs: dice.chance(0.4) ? dice.between(3_000, 20_000) : 0,
  transportAway: dice.chance(0.5) ? dice.next() * 0.6 : 0,
  transportAnswerLost: dice.chance(0.5) ? dice.next() * 0.3 : 0,
})

/** The longest that projections lag behind. */
const LAG_MS_MAX = 60_000

/** Faults of network, processes and memory, drawn apart for the same reason; and a lag of projections from nothing to a minute. */
export const drawNetworkFaults = (dice: Dice): Partial<FaultPlan> => {
  const rate = (max: number): number => (dice.chance(0.6) ? dice.next() * max : 0)
  return {
    // As many runs between a millisecond and eight as between eight seconds and a minute.
    projectionLagMsMax: dice.chance(0.1) ? LAG_MS_MAX : Math.round(LAG_MS_MAX ** dice.next()) - 1,
    crashAtCall: rate(0.01),
    projectionWriterCrash: rate(0.03),
    answersLate: rate(0.1),
    handlerSilent: rate(0.3),
    requestLost: rate(0.2),
    answerLost: rate(0.2),
    requestTwice: rate(0.2),
    networkMsMax: dice.chance(0.6) ? dice.between(2, 500) : 2,
    messageLost: rate(0.01),
    brokenStreamArrives: rate(1),
    halfOpenMsMax: dice.chance(0.6) ? dice.between(2, 15_000) : 2,
    memoryPressureEveryMs: dice.chance(0.6) ? dice.between(200, 10_000) : 0,
  }
}

export const NO_FAULTS: FaultPlan = {
  appendUnavailable: 0,
  appendUnknown: 0,
  slowDisk: 0,
  readFails: 0,
  storeWriteFails: 0,
  projectionLagMsMax: 50,
  crashEveryMs: 0,
  takeoverEveryMs: 0,
  streamCutEveryMs: 0,
  workerDeathEveryMs: 0,
  workerFreezeEveryMs: 0,
  clockStepEveryMs: 0,
  stepFails: 0,
  stepFailsForGood: 0,
  stepHangs: 0,
  resultTwice: 0,
  resultPoisoned: 0,
  workerDrainEveryMs: 0,
  transportAway: 0,
  transportAnswerLost: 0,
  ...QUIET,
}
