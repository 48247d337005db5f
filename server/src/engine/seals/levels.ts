/** How far seals are behind. */

export interface SealLevels {
  /** How long the oldest commit has waited for its seal. */
  readonly waitingMs: number
  /** How long the oldest seal has waited to be published. */
  readonly unpublishedMs: number
  readonly problem: string | undefined
}
