/**
 * How much memory a run may use, and which shares of it requests and waiting results have.
 */
import { TidemarkError } from '../errors.ts'
import {
  MIN_MACHINE_BYTES,
  MIN_MEMORY_BYTES,
  machineMemoryBytes,
  MAX_MACHINE_SHARE,
} from '../runtime/machine-memory.ts'
import { DEFAULT_INGEST_LIMITS } from '../server/ingest/limits.ts'

/** What Tidemark takes unless told otherwise; PostgreSQL and the system need some as well. */
const SHARE_OF_MACHINE = 0.6
/**
 * Where that is less, more of the machine is taken, up to `MAX_MACHINE_SHARE`: the program itself becomes no smaller.
 */
const USUAL_LEAST_BYTES = 600_000_000
/**
 * Above the limit for a moment, at most; what is more than the machine has ends in the hands of its kernel.
 */
const OVER_LIMIT = 1.1
const SHARE_OF_REQUESTS = 1 / 8
const SHARE_OF_WAITING = 1 / 16
const MAX_WAITING_CELLS = 1_000_000
/** A changed cell that waits to be written, about. */
export const WAITING_CELL_BYTES = 300

/**
 * A share of what there is.
 *
 * @throws TidemarkError MEMORY_TOO_LITTLE where the kernel would end the run before intake could wait
 */
export function defaultMemoryBytes(machineBytes: number = machineMemoryBytes()): number {
  const most = machineBytes * MAX_MACHINE_SHARE
  const bytes = Math.floor(Math.max(machineBytes * SHARE_OF_MACHINE, Math.min(USUAL_LEAST_BYTES, most)))
  if (bytes >= MIN_MEMORY_BYTES) return bytes
  const needed = Math.ceil(MIN_MACHINE_BYTES / 1e6)
  throw new TidemarkError(
    'MEMORY_TOO_LITTLE',
    `This machine, or the control group of this process, has ${Math.floor(machineBytes / 1e6)} MB of memory. A run needs ${needed}.`,
    {
      given: machineBytes,
      allowed: [`${needed} MB or more`],
      fix: `give the container ${needed} MB or more (docker run --memory 1g)`,
    },
  )
}

/** Why a limit does not keep a run from being ended by the kernel, in a sentence; undefined where it does. */
export function aboveMachine(limitBytes: number, machineBytes: number = machineMemoryBytes()): string | undefined {
  if (limitBytes * OVER_LIMIT <= machineBytes) return undefined
  const [limit, machine] = [limitBytes, machineBytes].map((bytes) => `${Math.round(bytes / 1e6)} MB`)
  return (
    `--memory ${limit} is more than fits into the ${machine} of this machine or control group: the kernel may end ` +
    'the process before intake waits. Nothing acknowledged is lost by that; give it less, or the machine more.'
  )
}

/** Bytes that requests may hold together unless a limit of their own says otherwise. */
export function requestBytes(memoryBytes: number): number {
  return Math.min(DEFAULT_INGEST_LIMITS.maxBytesInFlight, Math.floor(memoryBytes * SHARE_OF_REQUESTS))
}

/** Changed cells that may wait for PostgreSQL. */
export function waitingCells(memoryBytes: number): number {
  return Math.min(MAX_WAITING_CELLS, Math.floor((memoryBytes * SHARE_OF_WAITING) / WAITING_CELL_BYTES))
}
