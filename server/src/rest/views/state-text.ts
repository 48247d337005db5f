/** What a durable function shows, as one JSON object of the values it gave. */
import { type JsonText, trustedJson } from '@tasker/core'

export const stateText = (state: ReadonlyMap<string, JsonText>): JsonText =>
  trustedJson(`{${[...state].map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`)
