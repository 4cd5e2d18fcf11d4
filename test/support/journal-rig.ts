/**
 * What tests do with journals: lines to append, and reading all back.
 */
import { Journal, type JournalOptions } from '../../src/checkpoint/journal/journal.ts'
import type { Disk } from '../../src/checkpoint/disk/disk.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A moment to begin at, ms. */
export const START_MS = 1_767_225_600_000

/** Lines of which each can be told from all others. */
export function linesOf(name: string, count = 1, width = 20): Uint8Array {
  return encoder.encode(
    Array.from({ length: count }, (_, i) => `${`{"id":"${name}-${i}"`.padEnd(width, ' ')}}\n`).join(''),
  )
}

/** Opens a journal in `/data/journal`. */
export function openJournal(disk: Disk, options: Partial<JournalOptions> = {}): Promise<Journal> {
  let salt = 0
  return Journal.open({
    dir: '/data/journal',
    disk,
    nowMs: () => START_MS,
    salt: () => ++salt * 0x9e3779b1,
    ...options,
  })
}

/** Appends one block of lines. */
export function append(
  journal: Journal,
  partition: string,
  lines: Uint8Array,
  meta: { arrivalMs?: number; floorMs?: number; sourcePosition?: Uint8Array } = {},
): ReturnType<Journal['append']> {
  const recordCount = lines.reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 0)
  return journal.append(partition, lines, { recordCount, arrivalMs: START_MS, floorMs: -Infinity, ...meta })
}

/** The texts of all blocks of a partition, in order. */
export function readAll(
  journal: Journal,
  partition: string,
  fromOffset: number = journal.earliest(partition),
): string[] {
  const reader = journal.reader(partition, fromOffset)
  const texts: string[] = []
  try {
    for (let block = reader.next(); block !== undefined; block = reader.next()) texts.push(decoder.decode(block.lines))
    return texts
  } finally {
    reader.close()
  }
}
