/**
 * Why a process of the stack ended, in one sentence: how, and the cause that its log names.
 *
 * E1  Only what this process wrote counts: a log goes on from one process to the next.
 * E2  Of a chain of Java's causes the innermost is told, without names of classes: it is the one that can be mended.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** How a process ended. */
export interface ProcessEnd {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

const MAX_BYTES = 300_000
const MAX_LENGTH = 300

/** What a process wrote to its log, at most the last 300 kB of it. */
export function logSince(logFile: string, offset: number): string {
  let file: number
  try {
    file = openSync(logFile, 'r')
  } catch {
    return ''
  }
  try {
    const { size } = fstatSync(file)
    const from = Math.max(offset, size - MAX_BYTES)
    const bytes = Buffer.alloc(Math.max(0, size - from))
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, from))
  } finally {
    closeSync(file)
  }
}

/** One sentence about the end of a process that wrote `log`. */
export function endReason({ exitCode, signal }: ProcessEnd, log: string): string {
  if (signal !== null) return `it was ended by ${signal}`
  const complaint = complaintIn(log)
  return complaint === undefined ? `it ended with code ${exitCode}` : `it ended with code ${exitCode}: ${complaint}`
}

/** The cause of the last error that a log of Log4j tells; undefined where it tells of none. */
export function complaintIn(log: string): string | undefined {
  const lines = log.split('\n')
  const at = lines.findLastIndex((line) =>
    /^\S+Z (?:ERROR|FATAL) |^Exception in thread|(?<!ExitOn)OutOfMemoryError|^\w*Error: /.test(line),
  )
  const line = lines[at]
  if (line === undefined) return undefined
  const until = lines.findIndex((text, index) => index > at && /^\d{4}-\d\d-\d\dT\S+Z [A-Z]+ /.test(text))
  const trace = lines.slice(at + 1, until === -1 ? undefined : until)
  const cause = trace.findLast((text) => text.startsWith('Caused by: ')) ?? trace.find((text) => THROWN.test(text))
  return sentence(cause ?? line)
}

const THROWN = /^(?:[\w$]+\.)+[\w$]*(?:Exception|Error)\b/

function sentence(line: string): string {
  const told = line
    .trim()
    .replace(/^\S+Z (?:ERROR|FATAL) /, '')
    .replace(/^Exception in thread "[^"]*" /, '')
    .replace(/^Caused by: /, '')
  return told.replace(/^(?:[\w$]+\.)+[\w$]+: (?=.)/, '').slice(0, MAX_LENGTH)
}
