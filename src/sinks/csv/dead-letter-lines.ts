/**
 * Dead letters as lines of JSON, fit to be read by people, searched, and put right and sent again.
 */
import { isUtf8 } from 'node:buffer'
import type { DeadLetter, DeadLetterSink } from '../../runtime/ports.ts'
import type { WholeFile } from './whole-file.ts'

/** Writes one line per dead letter. */
export class DeadLetterLines implements DeadLetterSink {
  readonly #file: WholeFile

  constructor(file: WholeFile) {
    this.#file = file
  }

  write(letter: DeadLetter): void {
    this.#file.append(`${deadLetterLine(letter)}\n`)
  }
}

/**
 * One dead letter as JSON without a line end: the record as `text` where its bytes are valid UTF-8, else as `base64`;
 * `byteLength` tells whether it was cut.
 */
export function deadLetterLine(letter: DeadLetter): string {
  return JSON.stringify(deadLetterFields(letter))
}

/** What such a line says. */
export function deadLetterFields(letter: DeadLetter): Readonly<Record<string, unknown>> {
  const { stream, partition, position, reason, field, bytes, byteLength } = letter
  const head = { stream, partition, position, reason, ...(field === undefined ? {} : { field }) }
  return { ...head, ...recordOf(bytes, bytes.length < byteLength), byteLength }
}

function recordOf(bytes: Uint8Array, isCut: boolean): { text: string } | { base64: string } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  // A cut may fall inside a character of up to 4 bytes; that does not make the rest unreadable.
  for (let cut = 0; cut <= (isCut ? Math.min(3, bytes.length) : 0); cut++) {
    const kept = buffer.subarray(0, bytes.length - cut)
    if (isUtf8(kept)) return { text: kept.toString('utf8') }
  }
  return { base64: buffer.toString('base64') }
}
