/** What the server does for a step, in parts: every sample of a profile counts for the first of our files above it that says what it is for. */
import type { Folded, Frame } from './cpu-profile.js'

interface Rule {
  readonly part: string
  readonly file: RegExp
  readonly name?: RegExp
}

/** The parts of the page, in the order in which a step goes through them, and what is left. */
export const PARTS = [
  'decode messages',
  'decide',
  'evolve',
  'encode events',
  'hash',
  'append',
  'project',
  'dispatch',
  'acknowledge',
  'engine between them',
  'PostgreSQL client: answers',
  'gRPC and sockets',
  'garbage collection',
  'native, not attributed',
  'everything else',
] as const

type Part = (typeof PARTS)[number]

/** The first that matches counts; the innermost frame is asked first. */
export const OUR_RULES: readonly (Rule & { readonly part: Part })[] = [
  { part: 'decode messages', file: /^proto\//, name: /^(decode|fromPartial|int64ToNumber|longToNumber)/ },
  {
    part: 'decode messages',
    file: /^server\/grpc\/(decoding|worker-result|submission|payload|text-fields|input-faults|worker-hearing|journal-record|attempt-ref)/,
  },
  { part: 'decide', file: /^core\/(task\/decide|function\/decide|graph|template|retry|expression)/ },
  { part: 'evolve', file: /^core\/(task\/(evolve|transitions)|function\/journal)/ },
  { part: 'hash', file: /^server\/log\/commit-hash/ },
  { part: 'encode events', file: /^server\/log\/(codec|key-codec|template-codec|content)/ },
  { part: 'append', file: /^server\/(log\/postgres|engine\/group-commit)/ },
  { part: 'project', file: /^(server\/projections|core\/projections)/ },
  {
    part: 'acknowledge',
    file: /^server\/(engine\/(followers|watch|command-answer|submissions)|grpc\/(session-|await-result|task-message))/,
  },
  {
    part: 'dispatch',
    file: /^server\/(dispatch|timers|engine\/(attempts|waiting-queues|worker-link|deliveries)|grpc\/(step-command|worker-|batch-message))/,
  },
  { part: 'engine between them', file: /^(server\/engine|core)\// },
]

const LIBRARIES: readonly (Rule & { readonly part: Part })[] = [
  { part: 'garbage collection', file: /^$/, name: /^\(garbage collector\)$/ },
  { part: 'native, not attributed', file: /^$/, name: /^\(program\)$/ },
  { part: 'PostgreSQL client: answers', file: /^(pg|pg-protocol|pg-pool|pg-types)$/ },
  {
    part: 'gRPC and sockets',
    file: /^(@grpc\/grpc-js|node:(internal\/)?(http2|net|stream|streams|dgram)|protobufjs|@bufbuild\/protobuf|server\/grpc)/,
  },
]

const matches = ({ file, name }: Rule, frame: Frame): boolean => file.test(frame.file) && (name?.test(frame.name) ?? true)

/** `stack` is from the outermost frame to the innermost. */
export const partOf = (stack: readonly Frame[]): Part => {
  const inward = stack.toReversed()
  for (const rules of [OUR_RULES, LIBRARIES])
    for (const frame of inward) {
      const rule = rules.find((candidate) => matches(candidate, frame))
      if (rule !== undefined) return rule.part
    }
  return 'everything else'
}

/** Microseconds by part. */
export const budgetOf = (folded: Folded): Readonly<Record<Part, number>> => {
  const budget = new Map<Part, number>(PARTS.map((part) => [part, 0]))
  const walk = (node: Folded, stack: readonly Frame[]): void => {
    const here = [...stack, node.frame]
    if (node.selfUs > 0) {
      const part = partOf(here)
      budget.set(part, (budget.get(part) ?? 0) + node.selfUs)
    }
    for (const child of node.children) walk(child, here)
  }
  for (const child of folded.children) walk(child, [])
  return Object.fromEntries(budget) as Record<Part, number>
}
