/**
 * What the stack's supervisor last said of itself and of each part: the one thing that other commands read.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProcessIdentity } from '../database/process-identity.ts'
import type { KeptJob } from './jobs/job-keeper.ts'
import type { StackSettings } from './settings.ts'

/** One part of the stack. */
export interface PartState {
  readonly name: string
  readonly status: 'starting' | 'ready' | 'waiting' | 'stopped'
  readonly process: ProcessIdentity | undefined
  readonly address: string
  readonly logFile: string
  readonly restarts: number
  /** Why it ended last, in one sentence. */
  readonly reason: string | undefined
}

/** The whole stack. Holds the URL of the database, so the file is for its owner only. */
export interface StackState {
  readonly supervisor: ProcessIdentity
  readonly settings: StackSettings
  readonly parts: readonly PartState[]
  /** Flink's jobs that were started again, or could not be. */
  readonly jobs: readonly KeptJob[]
  readonly databaseUrl: string | undefined
  /** Why the supervisor gave up, if it did. */
  readonly failure: string | undefined
}

const NAME = 'state.json'

/** The last state of the stack in `home`; undefined where there was none. */
export function readState(home: string): StackState | undefined {
  try {
    return JSON.parse(readFileSync(join(home, NAME), 'utf8')) as StackState
  } catch {
    return undefined
  }
}

/** Replaces the state, whole. */
export function writeState(home: string, state: StackState): void {
  const file = join(home, NAME)
  writeFileSync(`${file}.partial`, JSON.stringify(state, undefined, 2), { mode: 0o600 })
  renameSync(`${file}.partial`, file)
}

/** Forgets the state of a stack that is down: nobody may take it for that of the next one. */
export function removeState(home: string): void {
  rmSync(join(home, NAME), { force: true })
}
