/** How cost grows with one thing: what is varied, what is looked at, and how it is drawn. */
import type { Form, Say } from '../form.js'

/** One place on the axis, and what was measured there. */
export type Point = Readonly<Record<string, number>>

export interface Series {
  readonly field: string
  readonly label: string
}

export interface Plot {
  /** Of the file, after the name of the growth. */
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly series: readonly Series[]
}

export interface Growth {
  readonly name: string
  readonly title: string
  /** What is done, in sentences. */
  readonly says: string
  readonly x: Series & { readonly scale: 'log' | 'linear' }
  readonly plots: readonly Plot[]
  /** What the table says besides what is plotted. */
  readonly columns: readonly Series[]
  /** Bytes on disk that the full form may need. */
  readonly diskBytesMax?: number
  play(form: Form, say: Say): Promise<readonly Point[]>
}
