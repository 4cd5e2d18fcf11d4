/**
 * What is wrong with a cluster at present, told once when it begins and once when it is over (K3 of `kafka-source.ts`).
 */
import type { Log } from '../../runtime/ports.ts'

/** In place of a broker's number: the topics themselves. No broker has such a number. */
export const TOPICS = -1

export class Problems {
  readonly #source: string
  readonly #log: Log
  readonly #byNode = new Map<number, string>()

  /** @param source name of the source */
  constructor(source: string, log: Log) {
    this.#source = source
    this.#log = log
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
}
