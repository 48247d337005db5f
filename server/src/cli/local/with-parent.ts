/** Loaded before a child's own program: asks the child to end when its parent is gone, however the parent ended. */

// The parent holds the other end of stdin and never writes to it: the system closes it with the parent.
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM'))
process.stdin.resume()
// The child may still end by itself.
if ('unref' in process.stdin && typeof process.stdin.unref === 'function') process.stdin.unref()
