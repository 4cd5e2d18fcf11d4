/**
 * Ctrl-C and its kin (SIGINT, SIGTERM, SIGHUP).
 *
 * I1  A command that asked for the signal is told once and ends by itself, so that it can leave nothing half done.
 * I2  A command that did not ask ends at once.
 * I3  A second interrupt always ends at once.
 * I4  Either way the exit code is 130. Only a service that was asked to end by SIGTERM, and ended in order, is done: 0.
 */
import { TidemarkError } from '../errors.ts'
import { EXIT } from './exit-codes.ts'

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

let controller: AbortController | undefined
let isService = false

/**
 * Aborted at the first interrupt, with a {@link TidemarkError} `INTERRUPTED` as its reason. Whoever calls this promises
 * to end soon after: `signal.throwIfAborted()` between steps does.
 */
export function interruptSignal(): AbortSignal {
  controller ??= new AbortController()
  return controller.signal
}

/** Like {@link interruptSignal}, for a command that runs until it is told to end (I4). */
export function serviceSignal(): AbortSignal {
  isService = true
  return interruptSignal()
}

/** Starts to listen. Called once, by `main`. */
export function listenForInterrupts(): void {
  for (const name of SIGNALS) process.on(name, onInterrupt)
}

function onInterrupt(name: NodeJS.Signals): void {
  if (controller === undefined || controller.signal.aborted) process.exit(EXIT.interrupted)
  process.exitCode = isService && name === 'SIGTERM' ? EXIT.done : EXIT.interrupted
  controller.abort(new TidemarkError('INTERRUPTED', `Interrupted by ${name}.`))
}
