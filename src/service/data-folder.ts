/**
 * The data folder of a live pipeline: who it is, what it holds, and that one process uses it.
 *
 * D1  A folder has one identity for as long as its events count; a copy has it too, and PostgreSQL decides which of
 *     them writes. A folder that begins anew is another one.
 * D2  Real and simulated events never meet: a folder belongs to `run` or to `demo`.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { lockFolder, type FolderLock } from '../database/folder-lock.ts'
import { messageOf, TidemarkError } from '../errors.ts'
import { writeDurably } from '../runtime/durable-file.ts'
import { makeFolder } from '../runtime/make-folder.ts'

/** The commands that fill a data folder. */
export type FolderWriter = 'demo' | 'run'

/** What a data folder says of itself. */
export interface FolderIdentity {
  readonly id: string
  readonly writer: FolderWriter
  readonly planHash: string
  /** When its first run began, ms since the epoch. */
  readonly beganAtMs: number
}

export interface DataFolder extends FolderIdentity {
  readonly path: string
  readonly lock: FolderLock
  /** Whether what was there was thrown away. */
  readonly isReplaced: boolean
}

export interface OpenDataFolderOptions {
  readonly path: string
  readonly writer: FolderWriter
  readonly planHash: string
  /** Throws away what the folder holds. */
  readonly replace: boolean
  /**
   * Keeps the events for another plan: they are about to be counted again, and {@link keepIdentity} is called after
   * that.
   */
  readonly keepEvents?: boolean
}

const IDENTITY_FILE = 'identity.json'
/** Everything in it that belongs to its events. */
const CONTENT = ['journal', 'checkpoints', 'dead-letters', 'kafka']

/** Where the parts of a data folder are. */
export const journalFolder = (dataDir: string): string => join(dataDir, 'journal')
export const deadLetterFolder = (dataDir: string): string => join(dataDir, 'dead-letters')
export const checkpointFolder = (dataDir: string): string => join(dataDir, 'checkpoints')

/**
 * Opens a data folder and makes it where there is none.
 *
 * @throws TidemarkError DATA_DIR_BUSY, DATA_DIR_UNUSABLE
 */
export function openDataFolder(options: OpenDataFolderOptions): DataFolder {
  const { path } = options
  try {
    makeFolder(path)
    const lock = lockFolder(path, 'data folder')
    try {
      return { ...settleIdentity(options), path, lock }
    } catch (error) {
      lock.release()
      throw error
    }
  } catch (error) {
    if (error instanceof TidemarkError) throw error
    const reason = messageOf(error)
    throw new TidemarkError('DATA_DIR_UNUSABLE', `The data folder ${path} cannot be used: ${reason}`, {
      where: path,
      fix: 'choose another folder with --data-dir, or make this one writable',
      cause: error,
    })
  }
}

/**
 * The identity of a data folder; undefined where nothing was ever taken in.
 *
 * @throws TidemarkError DATA_DIR_UNUSABLE
 */
export function readIdentity(path: string): FolderIdentity | undefined {
  const file = join(path, IDENTITY_FILE)
  if (!existsSync(file)) return undefined
  try {
    const found: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (isIdentity(found)) return found
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new TidemarkError('DATA_DIR_UNUSABLE', `${file} is damaged: it should say whose events the folder holds.`, {
    where: file,
    fix: 'restore it from a copy, or use another folder with --data-dir',
  })
}

/** Says whose events the folder holds from now on, and by which plan they are counted. */
export function keepIdentity(path: string, { id, writer, planHash, beganAtMs }: FolderIdentity): void {
  writeDurably(join(path, IDENTITY_FILE), `${JSON.stringify({ id, writer, planHash, beganAtMs })}\n`)
}

function isIdentity(value: unknown): value is FolderIdentity {
  if (typeof value !== 'object' || value === null) return false
  const { id, writer, planHash, beganAtMs } = value as Partial<Record<keyof FolderIdentity, unknown>>
  const isNamed = typeof id === 'string' && typeof planHash === 'string' && typeof beganAtMs === 'number'
  return isNamed && (writer === 'demo' || writer === 'run')
}

function settleIdentity(options: OpenDataFolderOptions): FolderIdentity & { readonly isReplaced: boolean } {
  const { path, writer, planHash, replace, keepEvents = false } = options
  const known = readIdentity(path)
  if (known !== undefined && keepEvents) return { ...known, planHash, isReplaced: false }
  // Simulated events are made anew: a demo with another definition begins anew, a run never does by itself.
  const isOutdated = known?.writer === 'demo' && writer === 'demo' && known.planHash !== planHash
  if (known !== undefined && !replace && !isOutdated) {
    if (known.writer === writer) return { ...known, isReplaced: false }
    throw new TidemarkError('DATA_DIR_UNUSABLE', `The data folder ${path} holds the events of a ${known.writer}.`, {
      where: path,
      fix: `use another one (--data-dir ${path}-${writer}), or throw away what it holds with --replace`,
    })
  }
  for (const part of known === undefined ? [] : CONTENT) rmSync(join(path, part), { recursive: true, force: true })
  const identity = { id: randomUUID(), writer, planHash, beganAtMs: Date.now() }
  keepIdentity(path, identity)
  return { ...identity, isReplaced: known !== undefined }
}
