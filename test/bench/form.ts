/** How large the parts of a bench are: `full` for figures that are kept, `short` to see that everything works. */

export type Form = 'short' | 'full'

export type ByForm<T> = Readonly<Record<Form, T>>

/** Tells a person how far a part is. */
export type Say = (text: string) => void
