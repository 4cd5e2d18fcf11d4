/**
 * An intake that keeps lines in memory and is durable when a test says so.
 */
import type { TidemarkError } from '../../src/errors.ts'
import type { StreamName } from '../../src/pipeline/plan.ts'
import type { Intake } from '../../src/runtime/ports.ts'

export interface Appended {
  readonly stream: StreamName
  readonly text: string
  readonly recordCount: number
}

export class MemoryIntake implements Intake {
  isOpen = true
  closedBy: TidemarkError | undefined
  /** Whether appends wait for {@link sync}. */
  isHeld = false
  /** What the next appends fail with. */
  failure: TidemarkError | undefined
  /** How many did. */
  refused = 0
  readonly appended: Appended[] = []
  #waiting: (() => void)[] = []

  /** Appends that wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  async append(stream: StreamName, lines: Uint8Array, recordCount: number): Promise<void> {
    if (this.failure !== undefined) {
      this.refused++
      throw this.failure
    }
    this.appended.push({ stream, text: Buffer.from(lines).toString('utf8'), recordCount })
    if (this.isHeld) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Makes everything appended durable. */
  sync(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** The records of all lines appended to `stream`, blank ones left out. */
  records(stream: StreamName): string[] {
    return this.appended
      .filter((one) => one.stream === stream)
      .flatMap(({ text }) => text.split('\n'))
      .filter((line) => line.trim() !== '')
  }
}
