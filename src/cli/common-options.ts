/**
 * The options that every command has.
 */
import type { Command } from 'commander'

/** What {@link addCommonOptions} adds. */
export interface CommonOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
}

/** Name, flags and description of each. */
export const COMMON_OPTIONS: readonly (readonly [name: keyof CommonOptions, flags: string, description: string])[] = [
  ['json', '--json', 'one JSON document on stdout'],
  ['quiet', '-q, --quiet', 'say nothing but errors'],
  ['verbose', '-v, --verbose', 'say more; show where errors come from'],
]

/** Adds those that the command does not declare by itself. */
export function addCommonOptions(command: Command): Command {
  for (const [name, flags, description] of COMMON_OPTIONS) {
    if (!command.options.some((option) => option.attributeName() === name)) command.option(flags, description)
  }
  return command
}
