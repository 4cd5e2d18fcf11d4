/**
 * From a record that the general parser found sound to the segments of a layout (L1 of record-layout).
 */
import type { Dictionary } from './dictionary.ts'
import { MAX_TRACKED_MEMBERS, NUMBER, STRING, type JsonScanner } from './json-scan.ts'
import type { KnownField } from './record-fields.ts'
import { isPredictable, makeSegment, type Segment } from './segment.ts'
import { OPERATIONS, operationFor } from './value-operations.ts'

/**
 * The segments of the record [start, end) that `scanner` scanned last; undefined where it is not worth predicting: too
 * many members, a known field twice, or a literal that is long or not all printable ASCII.
 */
export function learnSegments(
  scanner: JsonScanner,
  known: readonly KnownField[],
  dictionaries: readonly Dictionary[],
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly Segment[] | undefined {
  if (scanner.memberCount > MAX_TRACKED_MEMBERS) return undefined
  const segments: Segment[] = []
  const seen = new Set<KnownField>()
  let literalStart = start
  for (let member = 0; member < scanner.memberCount; member++) {
    const field = known[scanner.memberFields[member] as number]
    if (field !== undefined && seen.has(field)) return undefined
    if (field !== undefined) seen.add(field)
    const kind = scanner.memberKinds[member] as number
    if (kind !== STRING && kind !== NUMBER) continue
    const valueStart = scanner.memberStarts[member] as number
    const valueEnd = scanner.memberEnds[member] as number
    const operation = operationFor(kind, field, bytes, valueStart, valueEnd) ?? OPERATIONS.nothing
    segments.push(makeSegment(bytes.slice(literalStart, valueStart), operation, field, dictionaries))
    literalStart = valueEnd
  }
  segments.push(makeSegment(bytes.slice(literalStart, end), OPERATIONS.close, undefined, dictionaries))
  return segments.every((segment) => isPredictable(segment.literal)) ? segments : undefined
}
