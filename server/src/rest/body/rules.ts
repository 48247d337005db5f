/** What a route says about its body; the parsers of `parse.ts` keep it. */

/** `json` bodies are scanned and read; `document` bodies are JSON or YAML and handed on as the text they are. */
export interface BodyRules {
  readonly form: 'json' | 'document'
  readonly bytesMax: number
  /** Whether no body at all will do. */
  readonly optional: boolean
  /** Top-level members that stay raw text, with their own bound and the reason told when it is passed. */
  readonly raw?: { readonly member: string; readonly bytesMax: number; readonly tooLarge: string }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly body?: BodyRules
  }
}
