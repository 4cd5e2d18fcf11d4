/**
 * Who listens on a port of this machine, as far as the system lets us see.
 */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'

const LISTENING = '0A'

/**
 * Names the process that listens on TCP port `port`, such as `node (pid 4711)`.
 *
 * @returns undefined where it cannot be found out: no `/proc`, or a process of another user
 */
export async function findPortHolder(port: number): Promise<string | undefined> {
  const inodes = new Set(
    (await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((file) => inodesIn(file, port)))).flat(),
  )
  if (inodes.size === 0) return undefined
  for (const pid of await listOrNothing('/proc')) {
    if (/^\d+$/.test(pid) && (await holdsSocket(pid, inodes))) return `${await commandOf(pid)} (pid ${pid})`
  }
  return undefined
}

async function inodesIn(file: string, port: number): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const portHex = port.toString(16).toUpperCase().padStart(4, '0')
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(`:${portHex}`) === true && columns[3] === LISTENING)
    .flatMap((columns) => columns[9] ?? [])
}

async function holdsSocket(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  for (const descriptor of await listOrNothing(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
    if (inode !== undefined && inodes.has(inode)) return true
  }
  return false
}

/** The program's own name: what the system calls a process is that of its main thread, which Node renames. */
async function commandOf(pid: string): Promise<string> {
  const [program = ''] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
  if (program !== '') return basename(program)
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'a process')).trim()
}

async function listOrNothing(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => [])
}
