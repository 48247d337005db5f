/** Looks whether a port can be listened on, before anything is started that would have to be stopped again. */
import { createServer } from 'node:net'
import { Fault } from '../../faults.js'

/** Throws `PORT_IN_USE` or `PORT_REFUSED` with the flag that changes the port. */
export const requireFreePort = async (host: string, port: number, flag: string): Promise<void> => {
  if (port === 0) return
  const code = await listenFailure(host, port)
  if (code === undefined) return
  const taken = code === 'EADDRINUSE'
  throw new Fault({
    code: 'CONFLICT',
    reason: taken ? 'PORT_IN_USE' : 'PORT_REFUSED',
    message: taken
      ? `port ${port} of ${host} is taken by another program, perhaps another Tasker`
      : `cannot listen on port ${port} of ${host} (${code})`,
    hint: `choose another with ${flag} <port>, or any free one with ${flag} 0`,
  })
}

const listenFailure = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(undefined)))
  })
