/**
 * Lines of events as records: each with its event's own id as its key, so that all records of an id are in one
 * partition.
 */

/** A key need not say more of an id than where its records belong. */
const MAX_KEY_BYTES = 1_024

/** The id of the event in a line; undefined where it has none. */
export function keyOf(line: Buffer, idField: string): Buffer | undefined {
  try {
    const record: unknown = JSON.parse(line.toString())
    const id = typeof record === 'object' && record !== null ? (record as Record<string, unknown>)[idField] : undefined
    return typeof id === 'string' || typeof id === 'number'
      ? Buffer.from(String(id)).subarray(0, MAX_KEY_BYTES)
      : undefined
  } catch {
    return undefined
  }
}
