/**
 * Ends the server soon after our process, however that one ends: SIGKILL leaves no chance to do it ourselves.
 *
 * A tiny shell process reads from a pipe that only we hold. At the pipe's end without a word from us, we are dead. It
 * then leaves the server for two seconds to a next start, which takes it over as it is; otherwise it asks the server to
 * shut down, provided that the folder still names that very process as its server.
 *
 * W1  A server that is left is either taken over or ended: both remove one file, which works for exactly one of them.
 * W2  Where the folder is gone there is nobody to take it over: the server is ended at once.
 */
import { spawn } from 'node:child_process'
import { unlinkSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const SCRIPT = `
trap '' HUP INT TERM
serves() {
  read -r served < "$2/postmaster.pid" && [ "$served" = "$1" ]
}
read -r word
[ "$word" = done ] && exit 0
serves "$@" || exit 0
: > "$3"
left=20
while [ $left -gt 0 ] && serves "$@"; do
  [ -e "$3" ] || exit 0
  sleep 0.1
  left=$((left - 1))
done
if serves "$@"; then
  rm "$3" || exit 0
else
  rm -f "$3"
  [ -e "$2" ] && exit 0
fi
kill -INT "$1"; kill -CONT "$1"
`

/** The watchdog is soon there; one that is gone itself is not waited for. */
const LEFT_WITHIN_MS = 200

/** A watchdog on duty. */
export interface Watchdog {
  /** Sends it home: the server is gone, or ends otherwise. */
  dismiss(): void
}

/**
 * Watches over the server `pid` of `clusterDir`.
 *
 * @param folder where it says that it was left
 */
export function startWatchdog(pid: number, clusterDir: string, folder: string): Watchdog {
  const args = [String(pid), clusterDir, leftMark(pid, folder)]
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'tidemark-watchdog', ...args], {
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

/**
 * Takes a server whose process died over from its watchdog, which then leaves it alone; false where it is not to be
 * had.
 */
export async function takeFromWatchdog(pid: number, folder: string): Promise<boolean> {
  for (let waitedMs = 0; waitedMs <= LEFT_WITHIN_MS; waitedMs += 10) {
    try {
      unlinkSync(leftMark(pid, folder))
      return true
    } catch {
      await delay(10)
    }
  }
  return false
}

const leftMark = (pid: number, folder: string): string => join(folder, `left-${pid}`)
