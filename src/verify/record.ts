/**
 * From a line of a file to the record in it.
 */

/** UTF-8 byte-order mark. */
const BOM: readonly number[] = [0xef, 0xbb, 0xbf]

/** White space of JSON: space, tab, line feed, carriage return. */
export function isJsonSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}

/** A line without white space around it. Nothing left means that there is no record. */
export function trimRecord(line: Uint8Array): Uint8Array {
  let start = 0
  let end = line.length
  while (start < end && isJsonSpace(line[start])) start++
  while (end > start && isJsonSpace(line[end - 1])) end--
  return start === 0 && end === line.length ? line : line.subarray(start, end)
}

/** The beginning of a file, at least 3 bytes if it has them, without the byte-order mark that may stand there. */
export function dropByteOrderMark(start: Uint8Array): Uint8Array {
  return BOM.every((byte, i) => start[i] === byte) ? start.subarray(BOM.length) : start
}
