/**
 * `tidemark keys create|list|revoke`: who may send events over HTTP.
 */
import { Command, InvalidArgumentError } from 'commander'
import { TidemarkError } from '../errors.ts'
import { STREAM_NAMES, type StreamName } from '../pipeline/plan.ts'
import { createKey, listKeys, revokeKey, type StoredKey } from '../server/keys/key-store.ts'
import { findInstance } from '../service/running-instance.ts'
import type { CommonOptions } from './common-options.ts'
import { DEFAULT_DATA_DIR, dataDirArgument } from './data-dir-argument.ts'
import { createTalk } from './talk.ts'

interface KeysOptions extends CommonOptions {
  readonly dataDir: string
}

interface CreateOptions extends KeysOptions {
  readonly name: string
  readonly streams: readonly StreamName[]
}

/** The command, for `main.ts`. */
export function keysCommand(): Command {
  const command = new Command('keys').description('Keys for sending events over HTTP.')
  command
    .command('create')
    .description('Makes a key and prints it, once: only its hash is kept.')
    .option('--name <name>', 'what the list calls it', keyName, 'unnamed')
    .option('--streams <streams>', 'streams it may send to, with commas between', streamNames, STREAM_NAMES)
    .action(create)
  command.command('list').description('All keys, revoked ones too.').action(list)
  command
    .command('revoke')
    .description('Makes a key worthless within a second, while the server runs.')
    .argument('<key>', 'its id, or its name where only one key has it')
    .action(revoke)
  for (const sub of command.commands) sub.option('--data-dir <dir>', 'the data folder of the server', DEFAULT_DATA_DIR)
  return command
}

function create({ dataDir, name, streams, json, quiet }: CreateOptions): void {
  const { text, key } = createKey(dataDir, name, streams, Date.now())
  process.stdout.write(json === true ? `${JSON.stringify({ ...shown(key), key: text })}\n` : `${text}\n`)
  const talk = createTalk({ quiet: quiet === true })
  talk.say('This key is shown once. From now on events without a key are refused.')
  const url = findInstance(dataDir)?.url ?? 'http://localhost:4400'
  talk.next(`curl ${url}/v1/${streams[0]} -H 'Authorization: Bearer ${text}' …`)
}

function list({ dataDir, json, quiet }: KeysOptions): void {
  const keys = listKeys(dataDir).map(shown)
  process.stdout.write(json === true ? `${JSON.stringify(keys)}\n` : table(keys))
  const talk = createTalk({ quiet: quiet === true })
  if (keys.length === 0) talk.say(`There are no keys in ${dataDir}.`)
  talk.next(
    keys.length === 0
      ? `./tidemark keys create --name NAME${dataDirArgument(dataDir)}`
      : `./tidemark keys revoke ID${dataDirArgument(dataDir)}`,
  )
}

function revoke(wanted: string, { dataDir, json, quiet }: KeysOptions): void {
  const key = revokeKey(dataDir, findKey(dataDir, wanted), Date.now())
  process.stdout.write(json === true ? `${JSON.stringify(shown(key))}\n` : `${key.id} is revoked.\n`)
  createTalk({ quiet: quiet === true }).next(`./tidemark keys list${dataDirArgument(dataDir)}`)
}

function findKey(dataDir: string, wanted: string): StoredKey {
  const keys = listKeys(dataDir)
  const found = keys.filter((key) => key.id === wanted || (key.name === wanted && key.revokedAt === null))
  const [key] = found
  if (key !== undefined && found.length === 1) return key
  const message =
    found.length === 0
      ? `No key in ${dataDir} has the id or name "${wanted}".`
      : `${found.length} keys are named "${wanted}": ${found.map(({ id }) => id).join(', ')}.`
  throw new TidemarkError('USAGE', message, { where: dataDir, fix: `./tidemark keys list${dataDirArgument(dataDir)}` })
}

type ShownKey = Omit<StoredKey, 'sha256'>

function shown({ id, name, streams, createdAt, revokedAt }: StoredKey): ShownKey {
  return { id, name, streams, createdAt, revokedAt }
}

function table(keys: readonly ShownKey[]): string {
  const width = Math.max(4, ...keys.map(({ name }) => name.length))
  const lines = keys.map(({ id, name, streams, createdAt, revokedAt }) => {
    const state = revokedAt === null ? '' : `  revoked ${revokedAt}`
    return `${id}  ${name.padEnd(width)}  ${streams.join(',').padEnd(18)}  ${createdAt}${state}\n`
  })
  return lines.join('')
}

function keyName(text: string): string {
  if (/^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,63}$/u.test(text)) return text
  throw new InvalidArgumentError('Allowed: up to 64 letters, digits, spaces, dots, dashes and underscores.')
}

function streamNames(text: string): readonly StreamName[] {
  const names = text.split(',').map((name) => name.trim())
  const known = STREAM_NAMES.filter((name) => names.includes(name))
  if (known.length === names.length) return known
  throw new InvalidArgumentError(`Allowed: ${STREAM_NAMES.join(', ')}, or both with a comma between.`)
}
