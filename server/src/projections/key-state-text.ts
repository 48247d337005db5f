/** The state of a key as its row keeps it, and back. */
import { durationMs, instant, type KeyState, parseTaskId, type Place, placeId, present, stepId } from '@tasker/core'
import { z } from 'zod'

export const keyStateText = ({ limit, perMs, places }: KeyState): string =>
  JSON.stringify({
    limit,
    per: perMs,
    places: [...places.values()].map((place) => [place.taskId, place.step, place.attempt, place.grantedAt, place.perMs ?? null]),
  })

const PLACE = z.tuple([z.string(), z.string(), z.number(), z.number(), z.number().nullable()]).transform(
  ([task, step, attempt, grantedAt, per]): Place => ({
    taskId: present(parseTaskId(task), `the task id in ${task}`),
    step: stepId(step),
    attempt,
    grantedAt: instant(grantedAt),
    perMs: per === null ? undefined : durationMs(per),
  }),
)

const STATE = z.object({ limit: z.number(), per: z.number().optional(), places: z.array(PLACE) }).transform(
  ({ limit, per, places }): KeyState => ({
    limit,
    perMs: per === undefined ? undefined : durationMs(per),
    places: new Map(places.map((place) => [placeId(place), place])),
  }),
)

export const parseKeyState = (text: string): KeyState => STATE.parse(JSON.parse(text))
