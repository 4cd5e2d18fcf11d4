/**
 * The program around the commands: options common to all, usage errors, suggestions.
 *
 * R1  Common options (`--json`, `--quiet`, `--verbose`) may stand before or after the command.
 * R2  Whatever commander finds wrong in the arguments becomes a `USAGE` error: exit code 2, one way out.
 */
import { Command, CommanderError } from 'commander'
import { closest, distance } from 'fastest-levenshtein'
import { TidemarkError } from '../errors.ts'
import { EXIT } from './exit-codes.ts'
import { addCommonOptions, COMMON_OPTIONS } from './common-options.ts'
import { COMMANDS, type CommandEntry } from './commands.ts'

/**
 * Runs the command that `args` (without node and script) ask for. Rejects with what it throws, usage errors included.
 */
export async function runProgram(args: readonly string[], version: string): Promise<void> {
  const operands = args.filter((arg) => !arg.startsWith('-'))
  const wantsHelp = operands[0] === 'help'
  const asked = wantsHelp ? operands[1] : operands[0]
  const program = await buildProgram(asked, version)
  const helpOfCommand = wantsHelp && COMMANDS.some((entry) => entry.name === asked)
  if (wantsHelp && asked !== undefined && !helpOfCommand) throw unknownCommand(asked)
  try {
    await program.parseAsync(helpOfCommand && asked !== undefined ? [asked, '--help'] : [...args], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // No command at all: commander has already shown the help, on stderr.
    if (error.code === 'commander.help') process.exitCode = EXIT.usage
    else if (error.exitCode !== 0) throw usageError(error, operands, program)
  }
}

async function buildProgram(asked: string | undefined, version: string): Promise<Command> {
  const program = addCommonOptions(new Command('tidemark'))
    .description('Real-time ad analytics in which every event is accounted for.')
    .version(version, '-V, --version', 'print the version')
    .usage('COMMAND [options]')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .hook('preAction', (parent, command) => {
      for (const [name] of COMMON_OPTIONS) if (parent.getOptionValue(name) === true) command.setOptionValue(name, true)
    })
    .addHelpText('after', '\nStart here: ./tidemark demo')
  for (const entry of COMMANDS) {
    program.addCommand(entry.name === asked ? prepare(await entry.load()) : stub(entry))
  }
  return silence(program)
}

/** Gives a command, and each command under it, the options common to all. */
function prepare(command: Command): Command {
  if (command.commands.length === 0) addCommonOptions(command)
  for (const sub of command.commands) prepare(sub)
  return command.showSuggestionAfterError()
}

/** Stands in the list of `--help` for a command that is not the one asked for. */
function stub({ name, summary }: CommandEntry): Command {
  return new Command(name).description(summary).helpOption(false)
}

/** Makes commander throw instead of printing errors and leaving. Help asked for is still printed. */
function silence(command: Command): Command {
  command.exitOverride().configureOutput({ outputError: () => undefined })
  for (const sub of command.commands) silence(sub)
  return command
}

function unknownCommand(asked: string): TidemarkError {
  const nearest = closest(
    asked,
    COMMANDS.map(({ name }) => name),
  )
  const hint = distance(asked, nearest) <= 3 ? ` (Did you mean ${nearest}?)` : ''
  return new TidemarkError('USAGE', `Unknown command '${asked}'.${hint}`, { fix: './tidemark --help' })
}

function usageError(error: CommanderError, operands: readonly string[], program: Command): TidemarkError {
  const [asked, subAsked] = operands
  const command = program.commands.find((candidate) => candidate.name() === asked)
  const sub = command?.commands.find((candidate) => candidate.name() === subAsked)
  const words = [command, sub].flatMap((one) => one?.name() ?? [])
  const fix = ['./tidemark', ...words, '--help'].join(' ')
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const sentence = (first.charAt(0).toUpperCase() + first.slice(1)).replace(/([^.?!)])$/, '$1.')
  return new TidemarkError(
    'USAGE',
    [sentence, ...(rest.length > 0 ? rest : nearestOption(first, sub ?? command ?? program))].join(' '),
    { fix },
  )
}

/** Commander suggests nothing for `--flag=value`. */
function nearestOption(message: string, command: Command): string[] {
  const flag = /^unknown option '(--[^'=]+)=/.exec(message)?.[1]
  if (flag === undefined) return []
  const nearest = closest(
    flag,
    command.options.map((option) => option.long ?? ''),
  )
  return distance(flag, nearest) <= 3 ? [`(Did you mean ${nearest}?)`] : []
}
