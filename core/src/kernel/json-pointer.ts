/** JSON Pointers (RFC 6901): how a place inside a JSON value is named to people and programs. */

/** The pointer to a place, from the root inwards; the root itself is the empty text. */
export const jsonPointer = (segments: readonly (string | number)[]): string => {
  let pointer = ''
  for (const segment of segments) pointer += pointerSegment(segment)
  return pointer
}

/** One step inwards, to be put behind the pointer of the container. */
export const pointerSegment = (segment: string | number): string =>
  typeof segment === 'number' ? `/${segment}` : `/${segment.replaceAll('~', '~0').replaceAll('/', '~1')}`

/** The segments of a pointer, from the root inwards. */
export const pointerSegments = (pointer: string): readonly string[] =>
  pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
