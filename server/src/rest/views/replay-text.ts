/** A page of a replay as JSON. */
import { instantText, type JsonText, jsonOf, type ReplayFrame, type StepChange } from '@tasker/core'
import type { TaskSnapshot } from '../../engine/api.js'
import type { ReplayPage } from '../../query/replay.js'

export const replayText = ({ version }: TaskSnapshot, { frames, nextAfterVersion }: ReplayPage): JsonText =>
  jsonOf({
    frames: frames.map(frameView),
    next_cursor: nextAfterVersion === undefined ? null : String(nextAfterVersion),
    stream_version: version,
  })

const frameView = ({ version, at, type, actor, statusBefore, status, changes }: ReplayFrame) => ({
  version,
  at: instantText(at),
  type,
  actor,
  status_before: statusBefore ?? null,
  status,
  changes: changes.map(({ step, from, to }) => ({
    step_id: step,
    from: from === undefined ? null : standView(from),
    to: standView(to),
  })),
})

const standView = ({ status, attempts, output }: StepChange['to']) => ({
  status,
  attempts,
  output: output === undefined ? null : { text: output.text, cut_from: output.cutFrom ?? null },
})
