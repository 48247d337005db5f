/** A nominal type over a primitive: a plain string is not a task id until a wall has parsed it. */
export type Brand<Base, Name extends string> = Base & { readonly __brand: Name }
