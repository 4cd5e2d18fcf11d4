/**
 * Keeps the parts of the stack running, in a process of its own, and takes them down together.
 *
 * S1  All parts start at once; each waits by itself for those it needs.
 * S2  At the end they stop in the order in which they depend on each other: Flink, then PostgreSQL and Kafka.
 * S3  The state file says what is: it is written at each change, and last when everything has stopped.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase, type Database } from '../database/open-database.ts'
import { identify } from '../database/process-identity.ts'
import { jarFolder } from './fetch-jars.ts'
import { supersetFolder } from './fetch-superset.ts'
import { flinkParts } from './flink-parts.ts'
import { kafkaPart } from './kafka-part.ts'
import { PartProcess } from './part-process.ts'
import type { StackPart } from './part.ts'
import type { StackSettings } from './settings.ts'
import { writeState, type PartState } from './state-file.ts'
import { supersetPart } from './superset-part.ts'
import { trafficPart } from './traffic-part.ts'

/** Runs the stack until `signal` is aborted and everything has stopped. */
export async function supervise(settings: StackSettings, signal: AbortSignal): Promise<void> {
  const supervisor = identify(process.pid)
  if (supervisor === undefined) throw new Error('this process cannot be identified')
  const logFolder = join(settings.home, 'logs')
  mkdirSync(logFolder, { recursive: true, mode: 0o700 })
  let database: Database | undefined
  let processes: readonly PartProcess[] = []
  const report = (failure?: string): void => {
    const parts = processes.map(({ state }) => state)
    const stored = database === undefined ? [] : [databaseState(database, logFolder)]
    writeState(settings.home, {
      supervisor,
      settings,
      parts: [...stored, ...parts],
      databaseUrl: database?.url,
      failure,
    })
  }
  try {
    report()
    if (settings.groups.includes('postgres')) database = await openDatabase({ dataDir: settings.dataDir })
    processes = (await partsOf(settings)).map((part) => new PartProcess(part, logFolder, () => report()))
    report()
    const runs = processes.map(async (part) => part.run())
    await aborted(signal)
    for (const part of processes.toReversed()) await part.stop()
    await Promise.all(runs)
    await database?.stop()
    database = undefined
    report()
  } catch (error) {
    for (const part of processes.toReversed()) await part.stop()
    await database?.stop()
    report(error instanceof Error ? error.message : String(error))
  }
}

async function partsOf(settings: StackSettings): Promise<readonly StackPart[]> {
  const { groups, cacheDir } = settings
  return [
    ...(groups.includes('kafka') ? [await kafkaPart(settings, jarFolder(cacheDir, 'kafka'))] : []),
    ...(groups.includes('flink') ? flinkParts(settings, jarFolder(cacheDir, 'flink')) : []),
    ...(groups.includes('superset') ? [supersetPart(settings, supersetFolder(cacheDir))] : []),
    ...(groups.includes('traffic') ? [trafficPart(settings)] : []),
  ]
}

function databaseState(database: Database, logFolder: string): PartState {
  const { serverPid } = database
  return {
    name: 'postgres',
    status: 'ready',
    process: serverPid === undefined ? undefined : identify(serverPid),
    address: new URL(database.url).host,
    logFile: join(logFolder, '..', '..', 'postgres', 'server.log'),
    restarts: 0,
    reason: undefined,
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
