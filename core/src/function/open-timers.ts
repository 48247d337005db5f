/**
 * The open timers of a durable function: a tree that shares all but the way to what changed, so that one of many thousand costs no more than one of
 * a few (V1).
 *
 * T1  Ordered by key, and by a number made of the key as a heap: which timers are open says how the tree looks, whatever was open before.
 * T2  Every node knows when the first timer below it, or itself, is due.
 */
import type { Instant } from '../kernel/instant.js'
import type { FunctionTimerKind } from './events.js'

export interface OpenTimer {
  readonly kind: FunctionTimerKind
  readonly dueAt: Instant
  /** The place of its start in the journal. */
  readonly place: number
}

export interface OpenTimers {
  readonly size: number
  readonly root: TimerNode | undefined
}

interface TimerNode {
  readonly key: string
  readonly timer: OpenTimer
  readonly rank: number
  /** T2 */
  readonly firstDueAt: Instant
  readonly left: TimerNode | undefined
  readonly right: TimerNode | undefined
}

type Tree = TimerNode | undefined

export const NO_TIMERS: OpenTimers = { size: 0, root: undefined }

export const openTimer = ({ root }: OpenTimers, key: string): OpenTimer | undefined => {
  let node: Tree = root
  while (node !== undefined && node.key !== key) node = key < node.key ? node.left : node.right
  return node?.timer
}

/** With one more; its key is not in use. */
export const withTimer = ({ size, root }: OpenTimers, key: string, timer: OpenTimer): OpenTimers => ({
  size: size + 1,
  root: insert(root, nodeOf({ key, timer, rank: rankOf(key) }, undefined, undefined)),
})

/** Without one that is there. */
export const withoutTimer = ({ size, root }: OpenTimers, key: string): OpenTimers => ({ size: size - 1, root: remove(root, key) })

/** By key. */
export function* openTimersOf({ root }: OpenTimers): Generator<readonly [string, OpenTimer]> {
  yield* walk(root)
}

/** The keys of those that are due, the earliest first; of several, the one that was started first. */
export const keysDue = ({ root }: OpenTimers, at: Instant): readonly string[] => {
  const due: TimerNode[] = []
  collect(root, at, due)
  return due.sort((a, b) => a.timer.dueAt - b.timer.dueAt || a.timer.place - b.timer.place).map(({ key }) => key)
}

const nodeOf = ({ key, timer, rank }: Pick<TimerNode, 'key' | 'timer' | 'rank'>, left: Tree, right: Tree): TimerNode => {
  let firstDueAt = timer.dueAt
  if (left !== undefined && left.firstDueAt < firstDueAt) firstDueAt = left.firstDueAt
  if (right !== undefined && right.firstDueAt < firstDueAt) firstDueAt = right.firstDueAt
  return { key, timer, rank, firstDueAt, left, right }
}

/** FNV-1a, 32 bits, by Fowler, Noll and Vo (public domain), mixed so that keys that differ at their end alone are far apart. */
const rankOf = (key: string): number => {
  let hash = 0x81_1c_9d_c5
  for (let index = 0; index < key.length; index++) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01_00_01_93)
  hash = Math.imul(hash ^ (hash >>> 16), 0x45_d9_f3_b)
  return (hash ^ (hash >>> 16)) >>> 0
}

const isAbove = (a: TimerNode, b: TimerNode): boolean => a.rank > b.rank || (a.rank === b.rank && a.key < b.key)

const insert = (tree: Tree, fresh: TimerNode): TimerNode => {
  if (tree === undefined) return fresh
  if (isAbove(fresh, tree)) return nodeOf(fresh, before(tree, fresh.key), behind(tree, fresh.key))
  if (fresh.key < tree.key) return nodeOf(tree, insert(tree.left, fresh), tree.right)
  return nodeOf(tree, tree.left, insert(tree.right, fresh))
}

const before = (tree: Tree, key: string): Tree => {
  if (tree === undefined) return undefined
  return tree.key < key ? nodeOf(tree, tree.left, before(tree.right, key)) : before(tree.left, key)
}

const behind = (tree: Tree, key: string): Tree => {
  if (tree === undefined) return undefined
  return tree.key > key ? nodeOf(tree, behind(tree.left, key), tree.right) : behind(tree.right, key)
}

const remove = (tree: Tree, key: string): Tree => {
  if (tree === undefined) return undefined
  if (tree.key === key) return joined(tree.left, tree.right)
  if (key < tree.key) return nodeOf(tree, remove(tree.left, key), tree.right)
  return nodeOf(tree, tree.left, remove(tree.right, key))
}

const joined = (left: Tree, right: Tree): Tree => {
  if (left === undefined) return right
  if (right === undefined) return left
  if (isAbove(left, right)) return nodeOf(left, left.left, joined(left.right, right))
  return nodeOf(right, joined(left, right.left), right.right)
}

function* walk(tree: Tree): Generator<readonly [string, OpenTimer]> {
  if (tree === undefined) return
  yield* walk(tree.left)
  yield [tree.key, tree.timer]
  yield* walk(tree.right)
}

/** Only where something is due is anything looked at. */
const collect = (tree: Tree, at: Instant, due: TimerNode[]): void => {
  if (tree === undefined || tree.firstDueAt > at) return
  collect(tree.left, at, due)
  if (tree.timer.dueAt <= at) due.push(tree)
  collect(tree.right, at, due)
}
