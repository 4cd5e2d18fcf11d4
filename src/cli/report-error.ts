/**
 * How an error reaches a person or a program: code, what failed, where, one way out. The stack only when asked for.
 */
import { inspect } from 'node:util'
import { TidemarkError } from '../errors.ts'
import { exitCodeOf } from './exit-codes.ts'

/** How an error is to be shown. */
export interface ReportOptions {
  /** Add the stack and the causes. */
  readonly verbose: boolean
  readonly colour: boolean
}

/** An error as plain data, the document that `--json` prints. */
export interface ErrorDocument {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly where?: string
    readonly fix?: string
    readonly retryable: boolean
    readonly exitCode: number
    /** Every problem of a definition, where the error lists several. */
    readonly problems?: unknown
    readonly stack?: string
  }
}

const UNEXPECTED_FIX = 'Run it again with --verbose and report what it prints: this is a fault of Tidemark.'

/** The lines for people, with a line feed at their end. */
export function formatError(error: unknown, { verbose, colour }: ReportOptions): string {
  const { code, message, where, fix } = errorDocument(error).error
  const paint = (style: string, text: string): string => (colour ? `\u001b[${style}m${text}\u001b[0m` : text)
  const lines = [`${paint('31;1', 'error')} ${paint('2', `[${code}]`)} ${message}`]
  if (where !== undefined && !message.includes(where)) lines.push(`  where  ${where}`)
  if (fix !== undefined) lines.push(`  ${paint('32', 'fix')}    ${fix}`)
  if (verbose) lines.push(paint('2', stackOf(error)))
  return `${lines.join('\n')}\n`
}

/** The error as plain data. */
export function errorDocument(error: unknown, verbose = false): ErrorDocument {
  const known = error instanceof TidemarkError ? error : undefined
  const fix = known === undefined ? UNEXPECTED_FIX : known.fix
  return {
    error: {
      code: known?.code ?? 'INTERNAL',
      message: messageOf(error),
      ...(known?.where === undefined ? {} : { where: known.where }),
      ...(fix === undefined ? {} : { fix }),
      retryable: known?.retryable ?? false,
      exitCode: exitCodeOf(error),
      ...(known !== undefined && 'problems' in known ? { problems: known.problems } : {}),
      ...(verbose ? { stack: stackOf(error) } : {}),
    },
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error)
  return error.message === '' ? error.name : error.message
}

/** The stack of an error and of everything that caused it. A chain that loops is cut. */
function stackOf(error: unknown): string {
  const stacks: string[] = []
  const seen = new Set<unknown>()
  for (let at: unknown = error; at !== undefined && !seen.has(at); at = at instanceof Error ? at.cause : undefined) {
    seen.add(at)
    stacks.push(at instanceof Error ? (at.stack ?? at.message) : inspect(at))
  }
  return stacks.join('\ncaused by: ')
}
