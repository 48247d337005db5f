/** Looks whether a port can be listened on, before anything is started that would have to be stopped again. */
import { createServer } from 'node:net'
import { Fault } from '../../faults.js'

/** Throws `PORT_IN_USE` with the flag that changes the port. Anything else that is wrong with it the server tells when it listens. */
export const requireFreePort = async (host: string, port: number, flag: string): Promise<void> => {
  if (port === 0 || (await listenFailure(host, port)) !== 'EADDRINUSE') return
  throw new Fault({
    code: 'UNAVAILABLE',
    reason: 'PORT_IN_USE',
    message: `port ${port} of ${host} is taken by another program, perhaps another Tasker`,
    hint: `choose another with ${flag} <port>, or any free one with ${flag} 0`,
    retryable: false,
  })
}

const listenFailure = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(undefined)))
  })
