/** A process that outlives a killed launcher just long enough to stop its PostgreSQL. */
import { type ChildProcess, spawn } from 'node:child_process'
import { Socket } from 'node:net'
import { join } from 'node:path'

/**
 * `read` returns when the launcher's end of the pipe closes, however the launcher ended. The lock file must still name the same
 * process, or its number may belong to a stranger by now.
 */
const SCRIPT = `
read -r _
named() { read -r first < "$2" && [ "$first" = "$1" ]; }
named "$1" "$2" 2>/dev/null || exit 0
kill -INT "$1" 2>/dev/null || exit 0
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
  kill -0 "$1" 2>/dev/null || exit 0
  sleep 1
done
named "$1" "$2" 2>/dev/null && kill -QUIT "$1" 2>/dev/null
exit 0
`

/** Starts it for a postmaster. Returns the way to dismiss it, to be called when PostgreSQL is down. */
export const startWatchdog = (postmasterPid: number, folder: string): (() => void) => {
  // Windows ends the children of a closed console itself, and has no signals to send.
  if (process.platform === 'win32') return () => undefined
  const child: ChildProcess = spawn(
    '/bin/sh',
    ['-c', SCRIPT, 'tasker-postgres-watchdog', String(postmasterPid), join(folder, 'postmaster.pid')],
    {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  )
  child.on('error', () => undefined)
  child.stdin?.on('error', () => undefined)
  child.unref()
  // The pipe is a socket, whose handle would keep this process alive.
  if (child.stdin instanceof Socket) child.stdin.unref()
  return () => child.kill('SIGKILL')
}
