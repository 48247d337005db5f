/** The calls of `KeyService`. */
import type { ListKeysRequest, ListKeysResponse } from '@tasker/proto'
import type { GrpcDoor } from './door.js'

export const listKeys = (door: GrpcDoor, request: ListKeysRequest): ListKeysResponse => ({
  keys: door.engine
    .keys()
    .filter(({ namespace }) => request.namespace === '' || namespace === request.namespace)
    .map((key) => ({
      namespace: key.namespace,
      kind: key.kind,
      key: key.key,
      limit: key.limit,
      perMs: key.perMs ?? 0,
      held: key.held,
      waiting: key.waiting,
      holders: key.holders.map((holder) => ({
        taskId: holder.taskId,
        stepId: holder.step,
        attempt: holder.attempt,
        grantedAtMs: holder.grantedAt,
        freeAtMs: holder.freeAt ?? 0,
      })),
    })),
})
