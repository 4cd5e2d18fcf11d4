/**
 * Checks of what `stack up` needs beside the demo: a JDK, Maven, Python, memory, room for what it installs, its ports.
 *
 * The demo needs none of it, so nothing here is more than a warning.
 */
import { execFile } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { promisify } from 'node:util'
import { findPortHolder } from '../server/port-holder.ts'
import { hasJars } from '../stack/fetch-jars.ts'
import { findPython, hasSuperset, SUPERSET_MEGABYTES } from '../stack/fetch-superset.ts'
import { DEFAULT_PORTS, jarCache, portsFrom, stackHome } from '../stack/settings.ts'
import { runningState } from '../stack/stack.ts'
import { type Check, formatBytes, ok, warn } from './check.ts'
import { nearestExisting } from './data-folder.ts'

const MIN_JAVA = 17
/** Kafka, Flink's three processes, PostgreSQL and Superset with a small job. */
const STACK_MEMORY_BYTES = 3.5e9
const JAR_BYTES = 235e6
const STATE_BYTES = 1e9
const TIMEOUT_MS = 5_000

/** All checks for the stack of a data folder. */
export async function checkStack(dataDir: string, availableBytes: number): Promise<readonly Check[]> {
  const [java, maven] = await Promise.all([said('java', ['-version']), said('mvn', ['--version'])])
  return [
    checkJava(java),
    checkMaven(maven),
    checkPython(findPython()),
    checkStackMemory(availableBytes),
    checkCache(),
    await checkPorts(dataDir),
  ]
}

/** @param text what `java -version` says; undefined where there is none */
export function checkJava(text: string | undefined): Check {
  const fix = `For ./tidemark stack: install a JDK ${MIN_JAVA} (sudo apt-get install openjdk-17-jdk-headless).`
  const version = text === undefined ? undefined : /version "([^"]+)"/.exec(text)?.[1]
  if (version === undefined) return warn('java', 'not found; Kafka and Flink need it', fix)
  const major = Number(version.split('.')[0])
  return major >= MIN_JAVA ? ok('java', version) : warn('java', `${version}; needed: ${MIN_JAVA} or later`, fix)
}

/** @param text what `mvn --version` says; undefined where there is none */
export function checkMaven(text: string | undefined): Check {
  const version = text === undefined ? undefined : /Apache Maven ([\w.-]+)/.exec(text)?.[1]
  if (version !== undefined) return ok('maven', version)
  return warn(
    'maven',
    'not found; it fetches Kafka and Flink',
    'For ./tidemark stack: install Maven (sudo apt-get install maven).',
  )
}

/** @param python what was found on the path */
export function checkPython(python: { readonly program: string; readonly version: string } | undefined): Check {
  if (python !== undefined) return ok('python', `${python.version} (${python.program})`)
  const fix = 'For ./tidemark stack: install it (sudo apt-get install python3.11 python3.11-venv).'
  return warn('python', 'no Python 3.11 or 3.12 with venv and pip found; Superset needs it', fix)
}

/** @param availableBytes what this process may still take */
export function checkStackMemory(availableBytes: number): Check {
  const found = `${formatBytes(availableBytes)} available`
  if (availableBytes >= STACK_MEMORY_BYTES) return ok('stack memory', found)
  const fix = 'Leave parts out: ./tidemark stack up --only kafka,flink,postgres'
  return warn('stack memory', `${found}; all of the stack takes ${formatBytes(STACK_MEMORY_BYTES)}`, fix)
}

function checkCache(): Check {
  const cache = jarCache()
  const jars = hasJars(cache, 'kafka') && hasJars(cache, 'flink')
  const superset = hasSuperset(cache)
  // Superset's files lie twice on the disk while they are installed.
  const neededBytes = (jars ? 0 : JAR_BYTES) + (superset ? 0 : 2e6 * SUPERSET_MEGABYTES) + STATE_BYTES
  const there = [...(jars ? ['Kafka and Flink'] : []), ...(superset ? ['Superset'] : [])]
  const { bavail, bsize } = statfsSync(nearestExisting(cache))
  const found = `${formatBytes(bavail * bsize)} free at ${cache}, installed there: ${there.join(', ') || 'nothing yet'}`
  if (bavail * bsize >= neededBytes) return ok('stack disk', found)
  const fix = 'Free some room there, or name another folder: TIDEMARK_STACK_CACHE=FOLDER ./tidemark stack up'
  return warn('stack disk', `${found}; needed: ${formatBytes(neededBytes)}`, fix)
}

async function checkPorts(dataDir: string): Promise<Check> {
  if (runningState(stackHome(dataDir)) !== undefined) return ok('stack ports', 'the stack of this data folder runs')
  const ports = Object.entries(portsFrom(DEFAULT_PORTS.kafka, DEFAULT_PORTS.flink))
  const holders = await Promise.all(
    ports.map(async ([name, port]) => [name, port, await findPortHolder(port)] as const),
  )
  const taken = holders.filter(([, , holder]) => holder !== undefined)
  if (taken.length === 0)
    return ok('stack ports', `${ports.length} free, ${DEFAULT_PORTS.kafka} to ${DEFAULT_PORTS.superset}`)
  return warn(
    'stack ports',
    taken.map(([name, port, holder]) => `${port} (${name}) is taken by ${holder}`).join('; '),
    'Stop those, or choose others: ./tidemark stack up --kafka-port P --flink-port P --superset-port P',
  )
}

async function said(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { timeout: TIMEOUT_MS })
    return `${stdout}\n${stderr}`
  } catch {
    return undefined
  }
}
