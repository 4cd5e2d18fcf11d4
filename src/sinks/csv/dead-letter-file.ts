/**
 * Dead letters of a bounded run as a file of their own, where no folder of tables is wanted.
 */
import { dirname } from 'node:path'
import type { DeadLetterSink, Sink } from '../../runtime/ports.ts'
import { DeadLetterLines } from './dead-letter-lines.ts'
import { removeAbandoned, syncFolder, WholeFile } from './whole-file.ts'

/** A {@link Sink} of dead letters; epochs pass it by. The file appears whole at `commit`, or not at all. */
export class DeadLetterFile implements Sink {
  readonly #path: string
  #file: WholeFile | undefined
  #lines: DeadLetterSink | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** Where dead letters go; they are dropped before the sink is open. */
  readonly deadLetters: DeadLetterSink = { write: (letter) => this.#lines?.write(letter) }

  /** @throws TidemarkError OUTPUT_UNWRITABLE, also where the file's folder is missing */
  async open(): Promise<void> {
    removeAbandoned(dirname(this.#path))
    this.#file = new WholeFile(this.#path)
    this.#lines = new DeadLetterLines(this.#file)
  }

  async write(): Promise<void> {}

  async prepare(): Promise<void> {
    this.#file?.finish()
  }

  async commit(): Promise<void> {
    await this.prepare()
    this.#file?.publish()
    this.#file = undefined
    syncFolder(dirname(this.#path))
  }

  async close(): Promise<void> {
    this.#file?.discard()
    this.#file = undefined
  }
}
