/**
 * Our own server on folders of tests.
 */
import { rmSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { afterwards } from './afterwards.ts'
import { copyTemplate, makeDataDir } from './postgres.ts'

/** Safe against everything but the power going off, and many times faster on a slow disk. */
export const UNSYNCED: Readonly<Record<string, string>> = { fsync: 'off' }

/** A data folder with a server that was made before, for the length of a test. */
export async function newDataDir(context: TestContext): Promise<string> {
  const dataDir = makeDataDir()
  afterwards(context, () => rmSync(dataDir, { recursive: true, force: true }))
  await copyTemplate(dataDir)
  return dataDir
}

/** Opens the database of a folder for the length of a test. */
export async function openOwn(
  context: TestContext,
  dataDir: string,
  log: (line: string) => void = () => undefined,
  settings: Readonly<Record<string, string>> = UNSYNCED,
): Promise<Database> {
  const database = await openDatabase({ dataDir, settings, log })
  afterwards(context, () => database.stop())
  return database
}
