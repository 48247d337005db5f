/** How much a process has allocated on its heap, by what V8 prints of its collections. */

/** Makes V8 print them, and collect often enough that little is missed at the ends. */
export const TRACED: readonly string[] = ['--trace-gc', '--max-semi-space-size=1']

/** `… Scavenge 12.3 (20.1) -> 8.2 (22.0) MB, …`: the heap before and after. */
const COLLECTION = /(?:Scavenge|Mark-Compact|Minor Mark-Compact)[^\n]*? (\d+\.\d+) \(\d+\.\d+\) -> (\d+\.\d+) \(\d+\.\d+\) MB/g

const MIB = 1024 * 1024

/** Bytes allocated between the first collection of a text and the last one; undefined with fewer than two. */
export const allocatedIn = (traced: string): number | undefined => {
  let after: number | undefined
  let mib: number | undefined
  for (const [, before = '0', left = '0'] of traced.matchAll(COLLECTION)) {
    if (after !== undefined) mib = (mib ?? 0) + Math.max(0, Number(before) - after)
    after = Number(left)
  }
  return mib === undefined ? undefined : mib * MIB
}
