/**
 * What is wrong with a cluster at present, told once when it begins and once when it is over, and what ends the run (K3
 * of `kafka-source.ts`).
 */
import { TidemarkError } from '../../errors.ts'
import type { Log } from '../../runtime/ports.ts'

/** In place of a broker's number: the topics themselves. No broker has such a number. */
export const TOPICS = -1

export class Problems {
  readonly #source: string
  readonly #log: Log
  readonly #signal: AbortSignal
  readonly #byNode = new Map<number, string>()
  /** Told what no try can mend. */
  onFatal: (error: unknown) => void = () => undefined

  /**
   * @param source name of the source
   * @param signal aborted when the source stops: from then on nothing is told
   */
  constructor(source: string, log: Log, signal: AbortSignal) {
    this.#source = source
    this.#log = log
    this.#signal = signal
  }

  /** One of them, in one sentence; null while there is none. */
  get first(): string | null {
    return this.#byNode.values().next().value ?? null
  }

  /** Sets what is wrong with a broker. One that answers says nothing of another one that does not. */
  become(node: number, problem: string | null): void {
    const wasFine = this.#byNode.size === 0
    if (problem === null) this.#byNode.delete(node)
    else this.#byNode.set(node, problem)
    if (wasFine && problem !== null) this.#log('warn', `Source "${this.#source}": ${problem} It is tried again.`)
    if (!wasFine && this.#byNode.size === 0) this.#log('info', `Source "${this.#source}": Kafka answers again.`)
  }

  /** Tells what failed; ends the run where no try can mend it. */
  tell(node: number, error: unknown): void {
    if (this.#signal.aborted) return
    if (!(error instanceof TidemarkError) || !error.retryable) this.fail(error)
    else this.become(node, error.message)
  }

  /** Ends the run. */
  fail(error: unknown): void {
    if (!this.#signal.aborted) this.onFatal(error)
  }
}
