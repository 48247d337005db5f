/** All invariants, in the order in which they are asked: of several that see the same bug the first names it. */
import { attemptNumbers } from './attempt-numbers.js'
import { attemptsWithinPolicy } from './attempts-within-policy.js'
import { batchesWithinParallelism } from './batches-within-parallelism.js'
import { closedStaysClosed } from './closed-stays-closed.js'
import { everythingIsTold } from './everything-is-told.js'
import { foldEqualsLive } from './fold-equals-live.js'
import type { InvariantOf } from './invariant.js'
import { nothingAcknowledgedIsLost } from './nothing-acknowledged-is-lost.js'
import { nothingLeavesEarly } from './nothing-leaves-early.js'
import { nothingLeftOpen } from './nothing-left-open.js'
import { nothingRunsBesideWaysBack } from './nothing-runs-beside-ways-back.js'
import { nothingStartsPaused } from './nothing-starts-paused.js'
import { oneDeadLetterPending } from './one-dead-letter-pending.js'
import { oneOwnerWrites } from './one-owner-writes.js'
import { oneTaskAnIdentity } from './one-task-an-identity.js'
import { oneTerminalEvent } from './one-terminal-event.js'
import { onlyWhatWaitsIsHeld } from './only-what-waits-is-held.js'
import { openedWithItsEnd } from './opened-with-its-end.js'
import { placesAndChains } from './places-and-chains.js'
import { placesOfKeys } from './places-of-keys.js'
import { queuesKnowWhatWaits } from './queues-know-what-waits.js'
import { resultsAreAcknowledged } from './results-are-acknowledged.js'
import { resultsCountFromHolders } from './results-count-from-holders.js'
import { rowsEqualRebuild } from './rows-equal-rebuild.js'
import { savedIsFoundAgain } from './saved-is-found-again.js'
import { sealsVerify } from './seals-verify.js'
import { skippedStaysSkipped } from './skipped-stays-skipped.js'
import { slotsAreKept } from './slots-are-kept.js'
import { startsAfterDependencies } from './starts-after-dependencies.js'
import { takenBackInFull } from './taken-back-in-full.js'
import { takenBackInReverse } from './taken-back-in-reverse.js'
import { wakeUpsCome } from './wake-ups-come.js'
import { effectsOnce } from './effects-once.js'
import { firingsHaveTasks } from './firings-have-tasks.js'
import { functionTimersOnce } from './function-timers-once.js'
import { functionsSeeTheSame } from './functions-see-the-same.js'
import { noFunctionSleepsForEver } from './no-function-sleeps-for-ever.js'
import { onlyHoldersRecord } from './only-holders-record.js'
import { overlapsAreKept } from './overlaps-are-kept.js'
import { resultsFollowJournals } from './results-follow-journals.js'
import { signalsAreTakenInOrder } from './signals-are-taken-in-order.js'
import { signalsInOrder } from './signals-in-order.js'
import { timesFireOnce } from './times-fire-once.js'
import { toldInLogOrder } from './told-in-log-order.js'

export const INVARIANTS: readonly InvariantOf[] = [
  effectsOnce,
  functionsSeeTheSame,
  signalsInOrder,
  signalsAreTakenInOrder,
  functionTimersOnce,
  onlyHoldersRecord,
  toldInLogOrder,
  timesFireOnce,
  firingsHaveTasks,
  overlapsAreKept,
  noFunctionSleepsForEver,
  wakeUpsCome,
  queuesKnowWhatWaits,
  oneOwnerWrites,
  placesAndChains,
  sealsVerify,
  oneTerminalEvent,
  attemptNumbers,
  resultsCountFromHolders,
  attemptsWithinPolicy,
  startsAfterDependencies,
  oneTaskAnIdentity,
  openedWithItsEnd,
  batchesWithinParallelism,
  nothingLeftOpen,
  placesOfKeys,
  nothingRunsBesideWaysBack,
  takenBackInReverse,
  takenBackInFull,
  skippedStaysSkipped,
  onlyWhatWaitsIsHeld,
  nothingStartsPaused,
  closedStaysClosed,
  oneDeadLetterPending,
  nothingLeavesEarly,
  nothingAcknowledgedIsLost,
  resultsAreAcknowledged,
  slotsAreKept,
  savedIsFoundAgain,
  everythingIsTold,
  foldEqualsLive,
  rowsEqualRebuild,
  // Last, because it waits for turns of the process, while those before it wait for the clock of the world.
  resultsFollowJournals,
]
