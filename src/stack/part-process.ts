/**
 * One part of the stack as a process that is kept running.
 *
 * P1  It has its own process group and its output goes to a file: Ctrl-C and a closed terminal do not reach it.
 * P2  When it ends while it should run, it is started again: after 1 s, then at growing distances up to 30 s. Once it
 *     has been ready, the distances begin anew.
 * P3  `stop` returns when the process is gone: asked first, ended by force after 20 s.
 * P4  Whatever ends it, its state says why in one sentence.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, fstatSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { identify } from '../database/process-identity.ts'
import { endReason, logSince } from './end-reason.ts'
import type { StackPart } from './part.ts'
import type { PartState } from './state-file.ts'

const FIRST_WAIT_MS = 1_000
const LAST_WAIT_MS = 30_000
const POLL_MS = 250
const STOP_MS = 20_000

/** Keeps one part running until it is stopped. */
export class PartProcess {
  readonly #part: StackPart
  readonly #logFile: string
  readonly #onChange: () => void
  #child: ChildProcess | undefined
  #state: PartState
  #stopping = false
  #logOffset = 0
  #replacedFor: string | undefined

  constructor(part: StackPart, logFolder: string, onChange: () => void) {
    this.#part = part
    this.#logFile = join(logFolder, `${part.name}.log`)
    this.#onChange = onChange
    this.#state = {
      name: part.name,
      status: 'starting',
      process: undefined,
      address: part.address,
      logFile: this.#logFile,
      restarts: 0,
      reason: undefined,
    }
  }

  get state(): PartState {
    return this.#state
  }

  /** Runs the part, again and again, until {@link stop}. */
  async run(): Promise<void> {
    for (let waitMs = FIRST_WAIT_MS; !this.#stopping;) {
      await this.#untilItCanStart()
      if (this.#stopping) break
      const wasReady = await this.#runOnce()
      if (this.#stopping) break
      if (wasReady) waitMs = FIRST_WAIT_MS
      const reason = this.#replacedFor ?? this.#endReason()
      this.#replacedFor = undefined
      this.#set({ status: 'waiting', process: undefined, restarts: this.#state.restarts + 1, reason })
      for (let waitedMs = 0; waitedMs < waitMs && !this.#stopping; waitedMs += POLL_MS) await delay(POLL_MS)
      waitMs = Math.min(waitMs * 2, LAST_WAIT_MS)
    }
    this.#set({ status: 'stopped', process: undefined })
  }

  /** Ends the process by force, so that a new one takes its place. */
  replace(reason: string): void {
    if (this.#child === undefined || hasEnded(this.#child)) return
    this.#replacedFor = reason
    this.#child.kill('SIGKILL')
  }

  /** Ends the process and does not start it again. */
  async stop(): Promise<void> {
    this.#stopping = true
    const child = this.#child
    if (child === undefined || hasEnded(child)) return
    child.kill('SIGTERM')
    for (let waitedMs = 0; waitedMs < STOP_MS && !hasEnded(child); waitedMs += 50) await delay(50)
    if (hasEnded(child)) return
    child.kill('SIGKILL')
    while (!hasEnded(child)) await delay(50)
  }

  async #untilItCanStart(): Promise<void> {
    while (!this.#stopping && (await this.#part.canStart?.()) === false) await delay(POLL_MS)
  }

  /** Resolves when the process has ended, with whether it was ready before. */
  async #runOnce(): Promise<boolean> {
    const child = this.#start()
    let wasReady = false
    while (!hasEnded(child)) {
      const isReady: boolean = !this.#stopping && (await this.#part.isReady())
      wasReady ||= isReady
      if (isReady && this.#state.status === 'starting' && !hasEnded(child)) this.#set({ status: 'ready' })
      await delay(wasReady ? POLL_MS * 4 : POLL_MS)
    }
    return wasReady
  }

  #start(): ChildProcess {
    const { command, env } = this.#part
    const log = openSync(this.#logFile, 'a', 0o600)
    this.#logOffset = fstatSync(log).size
    const [program = '', ...args] = command()
    const child = spawn(program, args, {
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.#child = child
    child.on('error', () => undefined)
    this.#set({ status: 'starting', process: child.pid === undefined ? undefined : identify(child.pid) })
    return child
  }

  #endReason(): string {
    const { exitCode = null, signalCode: signal = null } = this.#child ?? {}
    return endReason({ exitCode, signal }, logSince(this.#logFile, this.#logOffset))
  }

  #set(change: Partial<PartState>): void {
    this.#state = { ...this.#state, ...change }
    this.#onChange()
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null
}
