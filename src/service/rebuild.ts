/**
 * Counts again what a data folder's journal holds, into tables that are emptied first: after the definition changed, or
 * when tables, checkpoints and journal do not fit each other any more.
 *
 * B1  It is a run without sources: the same engine, epochs and checkpoints, so that the next run goes on from its end.
 * B2  The whole journal is read and found sound before any row is removed: what it cannot give back stays.
 * B3  Only when told so it gives up what is damaged, says exactly what that is, and keeps the damaged files.
 */
import { resolve } from 'node:path'
import { nodeDisk } from '../checkpoint/disk/node-disk.ts'
import { SKIP_DAMAGE } from '../checkpoint/journal/journal-errors.ts'
import { Journal } from '../checkpoint/journal/journal.ts'
import type { Retention } from '../checkpoint/journal/retention.ts'
import { salvageJournal, type Salvaged } from '../checkpoint/journal/salvage.ts'
import { openDatabase } from '../database/open-database.ts'
import { messageOf, TidemarkError } from '../errors.ts'
import { planPage } from '../pipeline/page.ts'
import type { Plan } from '../pipeline/plan.ts'
import { planHash } from '../pipeline/plan-hash.ts'
import { Delivery } from '../runtime/delivery.ts'
import { LiveRun } from '../runtime/live-run.ts'
import type { Log } from '../runtime/ports.ts'
import { DAY_MS } from '../time/units.ts'
import { journalFolder, keepIdentity, openDataFolder, readIdentity, type FolderIdentity } from './data-folder.ts'
import { CLOCK, pause } from './elapsed.ts'
import { recover, type Recovered, type RecoverOptions } from './recovery.ts'
import { Teardown } from './teardown.ts'

const MAX_WAITING_CELLS = 1_000_000
// All that a day of raw events can hold is read long before.
const READ_LIMIT_MS = DAY_MS

export interface RebuildOptions {
  readonly plan: Plan
  readonly dataDir: string
  readonly databaseUrl: string | undefined
  /** Gives up what cannot be read of a damaged journal (B3). */
  readonly skipDamage?: boolean
  readonly log: Log
}

export interface RebuildResult {
  /** Events that the journal held. */
  readonly events: number
  /** Whether the journal began where the first event was: where not, the tables lack what retention has removed. */
  readonly isWhole: boolean
  /** What was given up (B3), and where the damaged journal is; undefined where nothing was. */
  readonly salvaged: Salvaged | undefined
}

/**
 * Rebuilds the tables of a data folder.
 *
 * @throws TidemarkError INPUT_MISSING where the folder holds no events; what `recover` throws
 */
export async function rebuild(options: RebuildOptions, signal: AbortSignal): Promise<RebuildResult> {
  const { plan, log } = options
  const path = resolve(options.dataDir)
  const { writer } = requireEvents(path)
  refuseTopics(plan)
  const teardown = new Teardown((error) => log('warn', messageOf(error)))
  try {
    const folder = openDataFolder({ path, writer, planHash: planHash(plan), replace: false, keepEvents: true })
    teardown.add(async () => folder.lock.release())
    const salvaged = await checkJournal(path, options)
    const recovered = await emptied(options, { writer, folder, teardown })
    const { journal } = recovered
    const isWhole = salvaged === undefined && journal.partitions.every((name) => journal.earliest(name) === 0)
    const events = await countAll(recovered, signal, teardown)
    // Not before: a demo throws away what it takes for the events of another plan.
    keepIdentity(path, folder)
    return { events, isWhole, salvaged }
  } finally {
    await teardown.run()
  }
}

function requireEvents(path: string): FolderIdentity {
  const identity = readIdentity(path)
  if (identity !== undefined) return identity
  throw new TidemarkError('INPUT_MISSING', `The data folder ${path} holds no events: there is nothing to count.`, {
    where: path,
    fix: 'name the folder of a run with --data-dir',
  })
}

/** The tables without a row, and a pipeline that has the whole journal before it. */
async function emptied(
  { plan, log, ...options }: RebuildOptions,
  parts: Pick<RecoverOptions, 'writer' | 'folder' | 'teardown'>,
): Promise<Recovered> {
  const database = await openDatabase({ ...options, log: (line) => log('debug', line) })
  parts.teardown.add(() => database.stop())
  return recover({
    ...parts,
    plan,
    url: database.url,
    disk: nodeDisk,
    retention: KEEP_ALL,
    // What the next run restores has to be what it keeps.
    pageRollUps: planPage(plan).rollUps,
    trafficPartitions: 0,
    replace: false,
    rebuild: true,
    log,
  })
}

function refuseTopics(plan: Plan): void {
  const kafka = plan.sources.find(({ kind }) => kind === 'kafka')
  if (kafka === undefined) return
  throw new TidemarkError('USAGE', `Source "${kafka.name}" reads topics: rebuild counts what a journal holds.`, {
    where: `sources.${kafka.name}`,
    fix: './tidemark run --replace (throws the tables away and counts again what the topics hold)',
  })
}

/** Makes sure that all of the journal can be read; what was given up for it, where that may be. */
async function checkJournal(path: string, { skipDamage }: RebuildOptions): Promise<Salvaged | undefined> {
  try {
    await refuseDamage(path)
    return undefined
  } catch (error) {
    if (!(error instanceof TidemarkError) || error.code !== 'JOURNAL_CORRUPT') throw error
    if (skipDamage === true)
      return salvageJournal({
        dir: journalFolder(path),
        disk: nodeDisk,
        nowMs: () => CLOCK.nowMs(),
        retention: KEEP_ALL,
      })
    throw new TidemarkError(error.code, error.message, {
      ...(error.where === undefined ? {} : { where: error.where }),
      fix: skippingFix(error),
      cause: error,
    })
  }
}

function skippingFix({ fix = 'restore it from a copy' }: TidemarkError): string {
  return fix.includes(SKIP_DAMAGE) ? fix : `${fix}; ${SKIP_DAMAGE}`
}

/** Reads every block that the journal retains (B2). */
async function refuseDamage(path: string): Promise<void> {
  const options = { dir: journalFolder(path), disk: nodeDisk, nowMs: () => CLOCK.nowMs(), retention: KEEP_ALL }
  const journal = await Journal.open(options)
  try {
    for (const name of journal.partitions) {
      const reader = journal.reader(name, journal.earliest(name))
      while (reader.next() !== undefined);
      reader.close()
    }
  } finally {
    await journal.close()
  }
}

const KEEP_ALL: Retention = { maxAgeMs: Infinity, maxBytes: Infinity }

async function countAll(recovered: Recovered, signal: AbortSignal, teardown: Teardown): Promise<number> {
  const { pipeline, source, sink, checkpoints, deadLetters, epoch } = recovered
  const failed = new AbortController()
  const stop = AbortSignal.any([signal, failed.signal])
  const delivery = new Delivery({
    sink,
    checkpoints,
    epoch,
    clock: CLOCK,
    maxWaitingCells: MAX_WAITING_CELLS,
    pause,
    onChange: () => undefined,
    onFatal: (error) => failed.abort(error),
  })
  // What still waits when the sink closes must not be tried again on a connection of its own.
  teardown.add(() => delivery.drain(0))
  const run = new LiveRun({
    pipeline,
    source,
    delivery,
    deadLetters,
    clock: CLOCK,
    epochMs: 1_000,
    onEpoch: () => undefined,
    pause,
  })
  const { events } = await run.catchUp(stop, READ_LIMIT_MS)
  stop.throwIfAborted()
  await delivery.drain(READ_LIMIT_MS)
  stop.throwIfAborted()
  return events
}
