/** A way between two processes that can be cut, or go silent while its connections stay open. */
import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'

export interface TcpProxy {
  readonly port: number
  /** Ends every connection there is; new ones pass. */
  cut(): void
  /** From now on nothing passes, and nobody is told: bytes of both sides are swallowed, on new connections too. */
  swallow(): void
  /** New connections pass again. Those that lost bytes are cut. */
  heal(): void
  /** New connections pass again; those that lost bytes stay open and silent for ever. */
  passNew(): void
  close(): Promise<void>
}

/** Listens on any free port of the loopback, or on the one given. */
export const tcpProxy = async (targetPort: number, port = 0): Promise<TcpProxy> => {
  const pairs = new Set<Pair>()
  let swallowing = false
  const server = createServer((near) => {
    const pair = new Pair(near, connect(targetPort, '127.0.0.1'), swallowing)
    pairs.add(pair)
    pair.onEnd(() => pairs.delete(pair))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const cut = (which: (pair: Pair) => boolean): void => {
    for (const pair of [...pairs]) if (which(pair)) pair.end()
  }
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut: () => cut(() => true),
    swallow: () => {
      swallowing = true
      for (const pair of pairs) pair.silence()
    },
    heal: () => {
      swallowing = false
      cut((pair) => pair.silent)
    },
    passNew: () => {
      swallowing = false
    },
    close: async () => {
      server.close()
      cut(() => true)
      await once(server, 'close')
    },
  }
}

/** One connection through the proxy. */
class Pair {
  readonly #sockets: readonly [Socket, Socket]
  #silent: boolean

  constructor(near: Socket, far: Socket, silent: boolean) {
    this.#sockets = [near, far]
    this.#silent = silent
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay(true)
      from.on('error', () => this.end())
      from.on('data', (chunk) => {
        if (!this.#silent) to.write(chunk)
      })
      // A silent connection does not tell one side that the other is gone.
      from.on('close', () => {
        if (!this.#silent) this.end()
      })
    }
  }

  get silent(): boolean {
    return this.#silent
  }

  silence(): void {
    this.#silent = true
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  onEnd(call: () => void): void {
    let open = this.#sockets.length
    for (const socket of this.#sockets) {
      socket.once('close', () => {
        open--
        if (open === 0) call()
      })
    }
  }
}
