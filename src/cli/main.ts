/**
 * Where the command line begins: runs the command asked for and turns whatever comes of it into an exit code.
 */
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import packageJson from '../../package.json' with { type: 'json' }
import { TidemarkError } from '../errors.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { listenForInterrupts } from './interrupt.ts'
import { runProgram } from './program.ts'
import { errorDocument, formatError } from './report-error.ts'
import { wantsColour } from './talk.ts'

// Commands are loaded when asked for: from the second time on without compiling them. Where there is no room for the
// cache nothing is lost but time.
// In a folder of our own: a shared one such as /tmp could be filled by anyone.
enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/tidemark', import.meta.url)))

const args = process.argv.slice(2)
const flags = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
const verbose = flags.includes('--verbose') || flags.includes('-v')

/** Reports an error and ends. With `--json` the document goes to stdout and the lines for people to stderr. */
function fail(error: unknown): void {
  const exitCode = exitCodeOf(error)
  const interrupted = exitCode === EXIT.interrupted
  if (flags.includes('--json')) process.stdout.write(`${JSON.stringify(errorDocument(error, verbose))}\n`)
  if (!interrupted) process.stderr.write(formatError(error, { verbose, colour: wantsColour(process.stderr) }))
  process.exitCode = exitCode
  // What was written must be out before leaving; handles that a failed command left open must not hold us.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)))
}

/** A reader that went away (`tidemark plan | head -1`) is no error of ours; a disk that is full is one to tell. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit()
  const fix = 'Make room on the disk that it goes to, or send it elsewhere.'
  fail(new TidemarkError('OUTPUT_UNWRITABLE', `Cannot write the output: ${error.message}.`, { fix, cause: error }))
}

process.stdout.on('error', onOutputError)
process.stderr.on('error', onOutputError)
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)
listenForInterrupts()
runProgram(args, packageJson.version).catch(fail)
