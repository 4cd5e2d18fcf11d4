/**
 * How much memory a run may use, and which shares of it requests and waiting results have.
 */
import { totalmem } from 'node:os'
import { DEFAULT_INGEST_LIMITS } from '../server/ingest/limits.ts'

/** What Tidemark takes unless told otherwise; PostgreSQL and the system need some as well. */
const SHARE_OF_MACHINE = 0.6
/** The program itself, and something to remember: with less it is of no use. */
export const LEAST_MEMORY_BYTES = 600_000_000
const SHARE_OF_REQUESTS = 1 / 8
const SHARE_OF_WAITING = 1 / 16
const MAX_WAITING_CELLS = 1_000_000
/** A changed cell that waits to be written, about. */
export const WAITING_CELL_BYTES = 300

/** A share of what the machine, or the control group of this process, has. */
export function defaultMemoryBytes(): number {
  // Without a control group it is 0, or more than the machine has.
  const constrained = process.constrainedMemory()
  const machine = totalmem()
  const available = constrained > 0 ? Math.min(constrained, machine) : machine
  return Math.max(LEAST_MEMORY_BYTES, Math.floor(available * SHARE_OF_MACHINE))
}

/** Bytes that requests may hold together unless a limit of their own says otherwise. */
export function requestBytes(memoryBytes: number): number {
  return Math.min(DEFAULT_INGEST_LIMITS.maxBytesInFlight, Math.floor(memoryBytes * SHARE_OF_REQUESTS))
}

/** Changed cells that may wait for PostgreSQL. */
export function waitingCells(memoryBytes: number): number {
  return Math.min(MAX_WAITING_CELLS, Math.floor((memoryBytes * SHARE_OF_WAITING) / WAITING_CELL_BYTES))
}
