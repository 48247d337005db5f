/** A way to the server that counts the gRPC messages and the bytes that pass it, in both directions. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Way } from '../tasker-stage.js'
import { messageCounter } from './message-counter.js'

export interface Passed {
  readonly messages: number
  readonly bytes: number
}

export interface CountingWay extends Way {
  passed(): Passed
}

export const countingWay = async (targetPort: number): Promise<CountingWay> => {
  let messages = 0
  let bytes = 0
  const sockets = new Set<Socket>()
  const pass = (from: Socket, to: Socket): void => {
    const count = messageCounter()
    from.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      messages += count(chunk)
      to.write(chunk)
    })
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
    from.on('error', () => to.destroy())
  }
  const server = createServer((near) => {
    const far = connect(targetPort, '127.0.0.1')
    for (const socket of [near, far]) {
      socket.setNoDelay(true)
      sockets.add(socket)
    }
    pass(near, far)
    pass(far, near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    passed: () => ({ messages, bytes }),
    close: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
