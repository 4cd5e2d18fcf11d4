/**
 * Superset in a virtual environment of its own, installed by pip from a list of exact versions with their checksums.
 *
 * V1  Nothing is installed that the list does not name, and no file whose checksum is not in it.
 * V2  It is named after the list's content, so that another version is another folder; a mark says that it is whole.
 * V3  An interrupted start goes on with the files that have arrived.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { TidemarkError } from '../errors.ts'

/** Disk that Superset takes once it is installed, MB. */
export const SUPERSET_MEGABYTES = 830
const LIST = join(import.meta.dirname, 'superset', 'requirements.txt')
const PYTHONS = ['python3.11', 'python3.12', 'python3']
const VERSIONS = ['3.11', '3.12']
const PYTHON_FIX = 'install Python 3.11 with its venv module, for instance apt-get install python3.11 python3.11-venv'

/** The virtual environment, there or not. */
export function supersetFolder(cacheDir: string): string {
  const hash = createHash('sha256').update(readFileSync(LIST)).digest('hex').slice(0, 12)
  return join(cacheDir, `superset-${hash}`)
}

/** Whether Superset has been installed. */
export function hasSuperset(cacheDir: string): boolean {
  return existsSync(join(supersetFolder(cacheDir), 'installed'))
}

/** What hears of the installation. */
export interface InstallListener {
  readonly log: (line: string) => void
  /** A share of 0 to 1, and what is being done. */
  readonly progress?: ((share: number, note: string) => void) | undefined
  readonly signal: AbortSignal
}

/**
 * Installs Superset if it is not there.
 *
 * @throws TidemarkError STACK_UNAVAILABLE where Python is missing, or the registry cannot be reached
 */
export async function installSuperset(cacheDir: string, listener: InstallListener): Promise<string> {
  const folder = supersetFolder(cacheDir)
  if (hasSuperset(cacheDir)) return folder
  const python = findPython()
  if (python === undefined)
    throw new TidemarkError('STACK_UNAVAILABLE', `No Python ${VERSIONS.join(' or ')} with venv and pip is here.`, {
      fix: PYTHON_FIX,
    })
  listener.log(`Installing Superset with ${python.program} (${SUPERSET_MEGABYTES} MB, once) to ${folder}`)
  mkdirSync(folder, { recursive: true })
  const downloads = join(folder, 'downloads')
  await run(python.program, ['-m', 'venv', folder], folder, listener)
  const options = ['--no-deps', '--require-hashes', '--no-input', '--progress-bar', 'off', '--cache-dir', downloads]
  await run(supersetPython(folder), ['-m', 'pip', 'install', ...options, '-r', LIST], folder, listener)
  rmSync(downloads, { recursive: true, force: true })
  writeFileSync(join(folder, 'installed'), '')
  return folder
}

/** The interpreter of a virtual environment. */
export function supersetPython(folder: string): string {
  return join(folder, 'bin', 'python')
}

/** The first Python on the path on which Superset runs. */
export function findPython(): { readonly program: string; readonly version: string } | undefined {
  for (const program of PYTHONS) {
    const version = pythonVersion(program)
    if (version !== undefined && VERSIONS.some((wanted) => version.startsWith(`${wanted}.`)))
      return { program, version }
  }
  return undefined
}

function pythonVersion(program: string): string | undefined {
  try {
    const script = 'import ensurepip, platform, venv; print(platform.python_version())'
    return execFileSync(program, ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}

async function run(program: string, args: readonly string[], folder: string, listener: InstallListener): Promise<void> {
  const { progress, signal } = listener
  const logFile = join(folder, 'install.log')
  const log = createWriteStream(logFile)
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], signal })
  child.stderr.pipe(log, { end: false })
  const total = readFileSync(LIST, 'utf8').match(/^[\w.-]+==/gm)?.length ?? 1
  let collected = 0
  createInterface({ input: child.stdout }).on('line', (line) => {
    log.write(`${line}\n`)
    if (line.startsWith('Collecting ')) progress?.((0.7 * ++collected) / total, line.split(' ')[1] ?? '')
    if (line.startsWith('Installing collected')) progress?.(0.7, 'unpacking')
  })
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null))
    child.on('close', resolve)
  })
  log.end()
  signal.throwIfAborted()
  if (code === 0) return
  const said = readFileSync(logFile, 'utf8').match(/^ERROR: (.*)/m)?.[1]
  throw new TidemarkError('STACK_UNAVAILABLE', `Superset cannot be installed: ${said ?? `${program} failed`}.`, {
    where: logFile,
    fix: 'try again; what has arrived is kept',
    retryable: true,
  })
}
