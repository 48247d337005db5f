/** What is said of a stored event that cannot be read. The engine sets its stream apart and goes on with the others. */

/** An event, or a shape of one, that this program does not know: written by a newer one, or by a hand. */
export class UnknownEventError extends Error {
  override readonly name = 'UnknownEventError'
  readonly eventType: string

  constructor(eventType: string, shapeVersion?: number) {
    super(`unknown event ${eventType}${shapeVersion === undefined ? '' : ` in shape ${shapeVersion}`}`)
    this.eventType = eventType
  }
}

/** An event of a known type whose stored text does not fit it. */
export class CorruptEventError extends Error {
  override readonly name = 'CorruptEventError'
  readonly eventType: string

  constructor(eventType: string, what: string) {
    super(`event ${eventType} cannot be read: ${what}`)
    this.eventType = eventType
  }
}
