/**
 * A real Kafka and Flink for tests, and which of those tests run.
 *
 * TIDEMARK_STACK  unset: a share of them, where Kafka and Flink have been fetched before, so that no run of the suite
 *                 fetches 250 MB by surprise; `share`: fetched first (scripts/stack.sh); `1`: fetched, and all of them;
 *                 `0`: none.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { formatBytes } from '../../src/doctor/check.ts'
import { checkJava } from '../../src/doctor/stack-programs.ts'
import { hasJars, type JarSet } from '../../src/stack/fetch-jars.ts'
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
import { isLong } from './long.ts'

export interface TestStack extends FlinkStack {
  readonly settings: StackSettings
  stop(): Promise<void>
}

/** Waiting for something of Flink's: on a machine that is busy it takes minutes to plan a job. */
export const STACK_DEADLINE_MS: number = process.env['TIDEMARK_STACK'] === 'share' ? 480_000 : 900_000
/** Of a test in which that happens more than once. */
export const STACK_TEST: { readonly timeout: number } = { timeout: 4 * STACK_DEADLINE_MS }

/** Below it, Kafka and Flink beside the other tests would press everything else out. */
const MIN_MEMORY_BYTES = 7e9

/** What a test needs of the stack. */
export interface StackNeeds {
  readonly jars?: readonly JarSet[]
  /** Whether it is no part of the share that runs everywhere. */
  readonly isForLong?: boolean
}

/** Why tests that need the stack are skipped here; false where they are not. */
export function stackMissing({ jars = ['kafka', 'flink'], isForLong = false }: StackNeeds = {}): string | false {
  const absent = jars.filter((set) => !hasJars(jarCache(), set))
  return notNow(isForLong) ?? notFetched(absent)
}

/** Why tests that need Superset are skipped here; false where they are not. */
export function supersetMissing(): string | false {
  return notNow(false) ?? notFetched(hasSuperset(jarCache()) ? [] : ['superset'])
}

/** `scripts/stack.sh` says why it could not fetch; where nobody tried, a start with TIDEMARK_STACK=1 does. */
function notFetched(absent: readonly string[]): string | false {
  const said = process.env['TIDEMARK_STACK_MISSING'] ?? ''
  if (absent.length === 0 || (process.env['TIDEMARK_STACK'] === '1' && said === '')) return false
  return `not fetched: ${absent.join(', ')}. ${said === '' ? 'To have it: ./tidemark stack up, or TIDEMARK_STACK=1' : said}`
}

/** Why no part of the stack is to be started, whatever has been fetched. */
function notNow(isForLong: boolean): string | undefined {
  const { TIDEMARK_STACK: wanted, TIDEMARK_STACK_UNTIL: untilS } = process.env
  if (wanted === '0') return 'TIDEMARK_STACK=0'
  if (isForLong && !isLong && wanted !== '1') return 'not in the share that runs everywhere: npm run test:long'
  if (untilS !== undefined && Date.now() > Number(untilS) * 1_000) return 'the time for tests of the stack is used up'
  if (totalmem() < MIN_MEMORY_BYTES)
    return `${formatBytes(totalmem())} of memory; needed: ${formatBytes(MIN_MEMORY_BYTES)}`
  return javaMissing()
}

function javaMissing(): string | undefined {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const { status, message } = checkJava(stderr ?? undefined)
  return status === 'ok' ? undefined : `java: ${message}`
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
