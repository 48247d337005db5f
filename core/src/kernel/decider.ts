/** The decider: what happens is decided from state and command, what is so is folded from events. */

/**
 * A pure state machine. `decide` says what a command makes happen, or refuses it; `evolve` says what an event makes true.
 * Jérémie Chassaing, "Functional Event Sourcing Decider" (2021), is where the shape is from.
 */
export interface Decider<State, Command, Event, Refusal> {
  readonly decide: (state: State, command: Command) => Decision<Event, Refusal>
  readonly evolve: (state: State, event: Event) => State
}

export type Decision<Event, Refusal> =
  | { readonly type: 'accepted'; readonly events: readonly Event[] }
  | { readonly type: 'refused'; readonly refusal: Refusal }

export const accept = <Event>(...events: readonly Event[]): { readonly type: 'accepted'; readonly events: readonly Event[] } => ({
  type: 'accepted',
  events,
})

export const fold = <State, Event>(
  evolve: (state: State, event: Event) => State,
  state: State,
  events: Iterable<Event>,
): State => {
  let folded = state
  for (const event of events) folded = evolve(folded, event)
  return folded
}
