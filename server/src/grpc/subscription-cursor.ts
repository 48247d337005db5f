/** Where a subscription is, as its reader keeps it: opaque to the reader, a seq for each partition to us. */

export type SubscriptionCursor = ReadonlyMap<number, number>

export const cursorText = (cursor: SubscriptionCursor): string =>
  Buffer.from([...cursor].map(([partition, seq]) => `${partition}:${seq}`).join(','), 'utf8').toString('base64url')

/** Undefined for a text that is no cursor of a log with so many partitions. */
export const parseCursor = (text: string, partitions: number): SubscriptionCursor | undefined => {
  const decoded = Buffer.from(text, 'base64url').toString('utf8')
  if (decoded === '') return text === '' ? new Map() : undefined
  const cursor = new Map<number, number>()
  for (const place of decoded.split(',')) {
    const [, partition, seq] = /^(\d{1,5}):(\d{1,15})$/.exec(place) ?? []
    if (partition === undefined || seq === undefined || Number(partition) >= partitions) return undefined
    cursor.set(Number(partition), Number(seq))
  }
  return cursor
}
