/** Server reflection, from the .proto files that are shipped with `@tasker/proto`, so that tools can call the server without them. */
import type { Server } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { ReflectionService } from '@grpc/reflection'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const PROTO_FOLDER = 'tasker/v1'

export const addReflection = (server: Server): void => {
  const root = protoRoot()
  const files = readdirSync(join(root, PROTO_FOLDER))
    .filter((name) => name.endsWith('.proto'))
    .map((name) => `${PROTO_FOLDER}/${name}`)
  new ReflectionService(loadSync(files, { includeDirs: [root] })).addToServer(server)
}

/** Where the package `@tasker/proto` is. */
const protoRoot = (): string => dirname(createRequire(import.meta.url).resolve('@tasker/proto/package.json'))
