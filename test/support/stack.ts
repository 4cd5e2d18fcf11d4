/**
 * A real Kafka and Flink for tests: only where their jars have been fetched before, or with TIDEMARK_STACK=1, so that no
 * run of the suite fetches 250 MB by surprise.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasJars } from '../../src/stack/fetch-jars.ts'
import { hasSuperset } from '../../src/stack/fetch-superset.ts'
import {
  jarCache,
  portsFrom,
  stackHome,
  stackUrls,
  type StackGroup,
  type StackSettings,
} from '../../src/stack/settings.ts'
import { stackDown, stackUp } from '../../src/stack/stack.ts'
import type { FlinkStack } from './flink-driver.ts'

export interface TestStack extends FlinkStack {
  readonly settings: StackSettings
  stop(): Promise<void>
}

/** Why tests that need the stack are skipped here; false where they are not. */
export function stackMissing(): string | false {
  if (process.env['TIDEMARK_STACK'] === '1') return false
  if (process.env['TIDEMARK_STACK'] === '0') return 'TIDEMARK_STACK=0'
  const isThere = hasJars(jarCache(), 'kafka') && hasJars(jarCache(), 'flink')
  return isThere ? false : 'Kafka and Flink have not been fetched (./tidemark stack up, or TIDEMARK_STACK=1)'
}

/** Why tests that need Superset are skipped here; false where they are not. */
export function supersetMissing(): string | false {
  if (process.env['TIDEMARK_STACK'] === '1') return false
  if (process.env['TIDEMARK_STACK'] === '0') return 'TIDEMARK_STACK=0'
  return hasSuperset(jarCache())
    ? false
    : 'Superset has not been installed (./tidemark stack up --only superset, or TIDEMARK_STACK=1)'
}

/** Starts Kafka and Flink, or other parts, on free ports, in a folder of their own. Call `stop` in `after`. */
export async function startTestStack(groups: readonly StackGroup[] = ['kafka', 'flink']): Promise<TestStack> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tidemark-stack-'))
  const settings: StackSettings = {
    home: stackHome(dataDir),
    cacheDir: jarCache(),
    groups,
    ports: portsFrom(await freeRow(2), await freeRow(6), await freeRow(1)),
    taskManagerHeapMb: 768,
    dataDir,
  }
  const stop = async (): Promise<void> => {
    await stackDown(settings.home)
    rmSync(dataDir, { recursive: true, force: true })
  }
  try {
    await stackUp(settings, { log: () => undefined, signal: AbortSignal.timeout(600_000) })
  } catch (error) {
    await stop()
    throw error
  }
  return { ...stackUrls(settings.ports), settings, stop }
}

/** The first of `length` ports in a row that are free now, below those the system gives out. */
async function freeRow(length: number): Promise<number> {
  for (let first = 20_000 + Math.floor(Math.random() * 10_000); ; first += length) {
    const row = await Promise.all(Array.from({ length }, (_, index) => isFree(first + index)))
    if (row.every(Boolean)) return first
  }
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.on('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1' }, () => probe.close(() => resolve(true)))
  })
}
