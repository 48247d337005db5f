/** A place in the log as people write it: `partition:seq`. */
export interface Position {
  readonly partition: number
  readonly seq: number
}

const POSITION = /^(\d{1,5}):(\d{1,15})$/

export const positionText = ({ partition, seq }: Position): string => `${partition}:${seq}`

export const parsePosition = (text: string): Position | undefined => {
  const [, partition, seq] = POSITION.exec(text) ?? []
  return partition === undefined || seq === undefined ? undefined : { partition: Number(partition), seq: Number(seq) }
}
