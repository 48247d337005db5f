/** A way to PostgreSQL that can be cut at a chosen moment of the conversation. */
import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'

/**
 * When a connection is cut: before the bytes are passed on; when their answer comes back; or before them, but PostgreSQL gets them all the same
 * a while later, when nobody listens any more.
 */
export type CutMoment = 'before_request' | 'before_answer' | 'late_request'

/** Long enough for a client to have connected again and looked. */
const LATE_MS_MAX = 120

export interface PostgresProxy {
  /** The same database, through the proxy. */
  readonly url: string
  /** Cuts the connection that next sends these bytes. */
  cutNext(bytes: string, moment: CutMoment): void
  /** How often a connection was cut as ordered. */
  cuts(): number
  /** How many connections were made so far. */
  connections(): number
  /** Cuts every connection there is now. */
  cutAll(): void
  close(): Promise<void>
}

export const postgresProxy = async (target: string): Promise<PostgresProxy> => {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let cuts = 0
  let connections = 0
  let order: { readonly bytes: string; readonly moment: CutMoment } | undefined

  const server = createServer((client) => {
    connections++
    const upstream = connect(Number(port), hostname)
    let cutAtAnswer = false
    let orphaned = false
    const cut = (): void => {
      client.destroy()
      if (!orphaned) upstream.destroy()
    }
    const cutAsOrdered = (): void => {
      cuts++
      cutAtAnswer = false
      cut()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', cut)
      socket.on('close', () => {
        sockets.delete(socket)
        cut()
      })
    }
    client.on('data', (chunk) => {
      if (order !== undefined && chunk.includes(order.bytes)) {
        const { moment } = order
        order = undefined
        if (moment === 'before_request') return cutAsOrdered()
        orphaned = moment === 'late_request'
        if (orphaned) {
          cutAsOrdered()
          // Each cut is later than the one before, up to the longest, and then the first again.
          setTimeout(() => upstream.end(chunk), (cuts * 17) % LATE_MS_MAX)
          return
        }
        cutAtAnswer = true
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (orphaned) return
      if (cutAtAnswer) cutAsOrdered()
      else client.write(chunk)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = new URL(target)
  url.port = String(typeof address === 'object' && address !== null ? address.port : 0)
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: url.href,
    cutNext: (bytes, moment) => {
      order = { bytes, moment }
    },
    cuts: () => cuts,
    connections: () => connections,
    cutAll,
    close: async () => {
      cutAll()
      server.close()
      await once(server, 'close')
    },
  }
}
