/**
 * Runs a program to its end and keeps what it said.
 */
import { spawn, type ChildProcess } from 'node:child_process'

/** How a program ended. */
export interface Ended {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  /** The whole environment; that of this process unless given. */
  readonly env?: NodeJS.ProcessEnv
  readonly input?: string
  /** Called once the program runs, to talk to it or to signal it. */
  readonly started?: (child: ChildProcess) => void
  /** Killed after this long. */
  readonly timeoutMs?: number
}

/** Runs `file` with `args`. Resolves whatever its exit code; rejects where it cannot be started. */
export async function runProgram(file: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: options.cwd, env: options.env, timeout: options.timeoutMs ?? 60_000 })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
    options.started?.(child)
  })
}
