/**
 * A load for journals that are about to fail: what was sent, what was acknowledged, and what must be found afterwards.
 */
import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Journal, JournalOptions } from '../../src/checkpoint/journal/journal.ts'
import { append, linesOf, openJournal, readAll, START_MS } from './journal-rig.ts'
import type { SimulatedDisk } from './simulated-disk.ts'

/** Partitions of the load. */
export const PARTITIONS = ['http/clicks', 'http/impressions'] as const

/** Small segments, so that a short load rolls often; whatever comes while a sync is under way is written meanwhile. */
export const SMALL: Partial<JournalOptions> = { segmentBytes: 1_500, reserveBytes: 0, aheadBytes: 1 }

/** Turns of the event loop that a sync takes. */
const SYNC_TURNS = 4

/** What happened to each text that was sent to a partition, in order. */
export interface Sent {
  readonly partition: string
  readonly text: string
  fate: 'acknowledged' | 'refused' | 'unknown'
  error: unknown
}

/** Opens a journal, sends waves of appends, removes old segments in between; goes on whatever is refused. */
export async function load(disk: SimulatedDisk, name: string, waves: number, sent: Sent[] = []): Promise<Sent[]> {
  const journal = await openJournal(disk, { ...SMALL, retention: { maxAgeMs: 1e12, maxBytes: 1e12 } }).catch(
    (error: unknown) => error,
  )
  if (journal instanceof Error) return sent
  disk.beforeSync = () => turns(SYNC_TURNS)
  for (let wave = 0; wave < waves; wave++) await sendWave(journal as Journal, `${name}.${wave}`, wave, sent)
  return sent
}

async function sendWave(journal: Journal, name: string, wave: number, sent: Sent[]): Promise<void> {
  const appends = PARTITIONS.flatMap((partition) =>
    Array.from({ length: 1 + (wave % 3) }, async (_, i) => {
      const lines = linesOf(`${name}.${i}`, 1 + ((wave + i) % 4), 20 + 150 * (wave % 4))
      const entry: Sent = { partition, text: new TextDecoder().decode(lines), fate: 'unknown', error: undefined }
      sent.push(entry)
      // Of every other wave one after the other: so some come while a sync is under way.
      if (wave % 2 === 1) await turns(2 * i)
      try {
        await append(journal, partition, lines, { arrivalMs: START_MS + wave, sourcePosition: Uint8Array.of(wave) })
        entry.fate = 'acknowledged'
      } catch (error) {
        entry.error = error
        if (journal.failure === undefined) entry.fate = 'refused'
      }
    }),
  )
  await Promise.all(appends)
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await nextTurn()
}

/** J1, J2: acknowledged texts are there, once, in order; others whole or not at all. Returns how many were there. */
export function assertHeld(journal: Journal, sent: readonly Sent[], what: string): number {
  let held = 0
  for (const partition of PARTITIONS) {
    const found = readAll(journal, partition)
    const order = sent.filter((entry) => entry.partition === partition)
    let at = 0
    for (const text of found) {
      const index = order.findIndex((entry, i) => i >= at && entry.text === text)
      assert.notEqual(index, -1, `${what}: ${partition} holds what was not sent, or out of order: ${text}`)
      for (const skipped of order.slice(at, index)) assertNotAcknowledged(skipped, what)
      at = index + 1
    }
    for (const skipped of order.slice(at)) assertNotAcknowledged(skipped, what)
    held += found.length
  }
  return held
}

function assertNotAcknowledged({ partition, text, fate }: Sent, what: string): void {
  assert.notEqual(fate, 'acknowledged', `${what}: lost from ${partition}: ${text}`)
}
