/** What a route says about its body; the parsers of `parse.ts` keep it. */

/** `json` bodies are scanned and read; `payload` is JSON that is kept as the text it is; `document` bodies are JSON or YAML and handed on as the text they are. */
export interface BodyRules {
  readonly form: 'json' | 'payload' | 'document'
  readonly bytesMax: number
  /** Whether no body at all will do. */
  readonly optional: boolean
  /** Top-level members that stay raw text, with their own bound and the reason told when it is passed. */
  readonly raw?: RawMember
  /** Another such member. */
  readonly alsoRaw?: RawMember
  /** The reason told when a `payload` is too large. */
  readonly tooLarge?: string
}

export interface RawMember {
  readonly member: string
  readonly bytesMax: number
  readonly tooLarge: string
}

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly body?: BodyRules
  }
}
