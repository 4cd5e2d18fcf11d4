/**
 * All checks of this machine, in the order they are shown.
 */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { machineMemoryBytes } from '../runtime/machine-memory.ts'
import type { Check } from './check.ts'
import { checkDataFolder } from './data-folder.ts'
import { checkClock, checkMemory, checkNode, checkPage } from './machine.ts'
import { checkPort } from './ports.ts'
import { checkPostgres } from './postgres.ts'
import { checkStack } from './stack-programs.ts'

/** What to look at. */
export interface ExamineOptions {
  /** The checkout or the installed package. */
  readonly root: string
  readonly dataDir: string
  readonly databaseUrl: string | undefined
  readonly port: number
  readonly nowMs: number
}

/** Looks at everything `demo` needs, then at what the stack needs. Never rejects: what goes wrong is a finding. */
export async function examine(options: ExamineOptions): Promise<readonly Check[]> {
  const writtenAtMs = statSync(join(options.root, 'package.json')).mtimeMs
  return [
    checkNode(process.versions.node, process.execPath),
    checkMemory(process.availableMemory(), machineMemoryBytes()),
    checkClock(options.nowMs, writtenAtMs),
    ...checkDataFolder(options.dataDir),
    await checkPostgres(options.databaseUrl),
    await checkPort(options.port, 'page'),
    checkPage(options.root),
    ...(await checkStack(options.dataDir, process.availableMemory())),
  ]
}
