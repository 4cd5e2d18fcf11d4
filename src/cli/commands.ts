/**
 * Every command by name. A command is a file of its own that exports a function returning a commander `Command`; it is
 * loaded only when it is the one asked for, so that `--help` and `--version` stay quick.
 */
import type { Command } from 'commander'

/** A command: what it is for, and how to get it. */
export interface CommandEntry {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** All commands, in the order of `--help`. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'demo',
    summary: 'simulated traffic to PostgreSQL and a live page, with nothing configured',
    load: async () => (await import('./demo.ts')).demoCommand(),
  },
  {
    name: 'run',
    summary: 'the pipeline on the sources its definition names, until stopped',
    load: async () => (await import('./run.ts')).runCommand(),
  },
  {
    name: 'replay',
    summary: 'files through the engine, as fast as it goes, to tables',
    load: async () => (await import('./replay.ts')).replayCommand(),
  },
  {
    name: 'verify',
    summary: 'recounts raw events by another path and compares every cell',
    load: async () => (await import('./verify.ts')).verifyCommand(),
  },
  {
    name: 'compare',
    summary: 'compares every cell of two databases, such as ours and that of Flink',
    load: async () => (await import('./compare.ts')).compareCommand(),
  },
  {
    name: 'page',
    summary: 'the page over tables in PostgreSQL that are filled elsewhere',
    load: async () => (await import('./page.ts')).pageCommand(),
  },
  {
    name: 'rebuild',
    summary: 'counts again what the journal of a stopped run holds',
    load: async () => (await import('./rebuild.ts')).rebuildCommand(),
  },
  {
    name: 'generate',
    summary: 'simulated traffic, seeded and hostile, with its true answer beside it',
    load: async () => (await import('./generate.ts')).generateCommand(),
  },
  {
    name: 'plan',
    summary: 'prints the frozen plan of a definition',
    load: async () => (await import('./plan.ts')).planCommand(),
  },
  {
    name: 'validate',
    summary: 'checks a definition whole',
    load: async () => (await import('./validate.ts')).validateCommand(),
  },
  {
    name: 'doctor',
    summary: 'what is wrong here and how to fix it',
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  {
    name: 'keys',
    summary: 'keys for sending events over HTTP: create, list, revoke',
    load: async () => (await import('./keys.ts')).keysCommand(),
  },
  {
    name: 'users',
    summary: 'who may look, where others can reach the page: add, list, remove',
    load: async () => (await import('./users.ts')).usersCommand(),
  },
  {
    name: 'flink',
    summary: 'the same plan on Flink',
    load: async () => (await import('./flink.ts')).flinkCommand(),
  },
  {
    name: 'superset',
    summary: 'the dashboard for Superset, derived from the plan',
    load: async () => (await import('./superset.ts')).supersetCommand(),
  },
  {
    name: 'stack',
    summary: 'Kafka, Flink, PostgreSQL and Superset on this machine',
    load: async () => (await import('./stack.ts')).stackCommand(),
  },
  {
    name: 'top',
    summary: 'a live view in the terminal',
    load: async () => (await import('./top.ts')).topCommand(),
  },
  {
    name: 'dead-letters',
    summary: 'malformed events: list, show, send again',
    load: async () => (await import('./dead-letters.ts')).deadLettersCommand(),
  },
]
