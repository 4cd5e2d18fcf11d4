/**
 * Checks of TCP ports, and who holds one.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { type Check, ok, warn } from './check.ts'

/** Whether the demo can have a port of the loopback address. */
export async function checkPort(port: number, use: string): Promise<Check> {
  const name = `port ${port}`
  const code = await listenError(port)
  if (code === undefined) return ok(name, `free (${use})`)
  if (code !== 'EADDRINUSE') return warn(name, `cannot be opened: ${code}`, './tidemark demo --port 0')
  const holder = portHolder(port)
  const by = holder === undefined ? 'another process' : `process ${holder.pid} (${holder.command})`
  const stop = holder === undefined ? '' : ` (or stop it: kill -INT ${holder.pid})`
  return warn(name, `held by ${by}; the next free port is taken instead`, `./tidemark demo --port 0${stop}`)
}

/** Opens and closes the port; resolves with the error's code where it cannot be opened. */
async function listenError(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

/** The process that listens on a TCP port, where the system lets us see it (Linux, our own or as root). */
export function portHolder(port: number): { readonly pid: number; readonly command: string } | undefined {
  const sockets = new Set([...listeners('/proc/net/tcp', port), ...listeners('/proc/net/tcp6', port)])
  if (sockets.size === 0) return undefined
  for (const pid of namesIn('/proc').filter((name) => /^\d+$/.test(name))) {
    if (namesIn(`/proc/${pid}/fd`).some((fd) => sockets.has(linkOf(`/proc/${pid}/fd/${fd}`))))
      return { pid: Number(pid), command: commandOf(pid) }
  }
  return undefined
}

/** The sockets that listen on a port, as links in /proc/PID/fd name them. */
function listeners(table: string, port: number): readonly string[] {
  const LISTEN = '0A'
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  return textOf(table)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTEN && local?.endsWith(`:${hexPort}`) === true)
    .map((fields) => `socket:[${fields[9]}]`)
}

function commandOf(pid: string): string {
  const words = textOf(`/proc/${pid}/cmdline`).split('\0').join(' ').trim()
  return words.length > 60 ? `${words.slice(0, 60)}…` : words
}

// Processes end while we look, and those of others hide: what cannot be read is not there.
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
