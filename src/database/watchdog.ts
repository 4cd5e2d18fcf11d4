/**
 * Ends the server soon after our process, however that one ends: SIGKILL leaves no chance to do it ourselves.
 *
 * A tiny shell process reads from a pipe that only we hold. At the pipe's end without a word from us, we are dead, and
 * it asks the server to shut down, provided that the folder still names that very process as its server.
 */
import { spawn } from 'node:child_process'
import { Socket } from 'node:net'

const SCRIPT = `
trap '' HUP INT TERM
read -r word
[ "$word" = done ] && exit 0
read -r pid < "$2/postmaster.pid" || exit 0
[ "$pid" = "$1" ] || exit 0
kill -INT "$1"; kill -CONT "$1"
`

/** A watchdog on duty. */
export interface Watchdog {
  /** Sends it home: the server is gone, or ends otherwise. */
  dismiss(): void
}

/** Watches over the server `pid` of `clusterDir`. */
export function startWatchdog(pid: number, clusterDir: string): Watchdog {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'tidemark-watchdog', String(pid), clusterDir], {
    cwd: '/',
    env: {},
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // A watchdog that could not start, or is gone, is no reason to stop: the next start clears up as well.
  child.on('error', () => undefined)
  child.stdin.on('error', () => undefined)
  child.unref()
  if (child.stdin instanceof Socket) child.stdin.unref()
  return { dismiss: () => void child.stdin.end('done\n') }
}
