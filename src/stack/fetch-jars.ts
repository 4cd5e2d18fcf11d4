/**
 * Kafka and Flink as jars, fetched by Maven from pom files with exact versions.
 *
 * J1  A folder of jars is whole or not there: Maven fills a temporary one, which is renamed.
 * J2  It is named after its pom file's content, so that another version is another folder.
 * J3  Maven checks what it fetched by the registry's checksums and goes on where an interrupted fetch stopped.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { TidemarkError } from '../errors.ts'
import { MINUTE_MS } from '../time/units.ts'

/** What can be fetched. */
export type JarSet = 'kafka' | 'flink'

const MEGABYTES: Readonly<Record<JarSet, number>> = { kafka: 43, flink: 190 }
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
const FETCH_TIMEOUT_MS = 15 * MINUTE_MS

/** The folder of a set of jars, there or not. */
export function jarFolder(cacheDir: string, set: JarSet): string {
  const hash = createHash('sha256')
    .update(readFileSync(pomFile(set)))
    .digest('hex')
    .slice(0, 12)
  return join(cacheDir, `${set}-${hash}`)
}

/** Whether a set of jars has been fetched. */
export function hasJars(cacheDir: string, set: JarSet): boolean {
  return existsSync(jarFolder(cacheDir, set))
}

/**
 * Fetches a set of jars if it is not there.
 *
 * @param signal ends it early; what has arrived is kept
 * @throws TidemarkError STACK_UNAVAILABLE where Maven or a JDK is missing, or the registry cannot be reached in time
 */
export async function fetchJars(
  cacheDir: string,
  set: JarSet,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const folder = jarFolder(cacheDir, set)
  if (existsSync(folder)) return folder
  log(`Fetching ${set} as jars (${MEGABYTES[set]} MB, once) to ${folder}`)
  mkdirSync(cacheDir, { recursive: true })
  const partial = `${folder}.partial`
  rmSync(partial, { recursive: true, force: true })
  const args = ['-q', '-B', '-f', pomFile(set), COPY, '-DincludeScope=runtime', `-DoutputDirectory=${partial}`]
  try {
    await promisify(execFile)('mvn', args, { timeout: FETCH_TIMEOUT_MS, signal })
  } catch (cause) {
    throw fetchFailed(set, cause)
  }
  renameSync(partial, folder)
  return folder
}

function pomFile(set: JarSet): string {
  return join(import.meta.dirname, 'jars', `${set}.xml`)
}

function fetchFailed(set: JarSet, cause: unknown): TidemarkError {
  const { code, name, stdout, killed } = endOf(cause)
  const isMissing = code === 'ENOENT'
  const said = typeof stdout === 'string' ? stdout.match(/\[ERROR\] (.*)/)?.[1] : undefined
  const isCut = name === 'AbortError' || killed === true
  const reason = isMissing ? 'Maven (mvn) is not installed' : isCut ? 'it took too long' : (said ?? String(cause))
  return new TidemarkError('STACK_UNAVAILABLE', `The jars of ${set} cannot be fetched: ${reason}.`, {
    fix: isMissing
      ? 'install Maven and a JDK 17, for instance apt-get install maven openjdk-17-jdk-headless'
      : 'try again',
    retryable: !isMissing,
    cause,
  })
}

/** How a program ended, as far as what was thrown tells. */
function endOf(thrown: unknown): { code?: unknown; name?: unknown; stdout?: unknown; killed?: unknown } {
  return typeof thrown === 'object' && thrown !== null ? thrown : {}
}
