/**
 * `tidemark users add|list|remove`: who may look at the page where others than this machine can reach it.
 */
import { text as textOfStream } from 'node:stream/consumers'
import { Command, InvalidArgumentError } from 'commander'
import { TidemarkError } from '../errors.ts'
import { MAX_PASSWORD_LENGTH } from '../server/access/password-hash.ts'
import {
  keepUser,
  listUsers,
  newPassword,
  removeUser,
  USER_NAME_FORM,
  type StoredUser,
} from '../server/access/user-store.ts'
import { ROLES, type Role, type ScopeFilter } from '../server/access/viewer.ts'
import type { CommonOptions } from './common-options.ts'
import { DEFAULT_DATA_DIR, dataDirArgument } from './data-dir-argument.ts'
import { loadPlan } from './plan-options.ts'
import { createTalk } from './talk.ts'

interface UsersOptions extends CommonOptions {
  readonly dataDir: string
}

interface AddOptions extends UsersOptions {
  readonly role: Role
  readonly only?: readonly ScopeFilter[]
  readonly passwordStdin?: boolean
  readonly replace?: boolean
  readonly definition?: string
}

const MIN_PASSWORD_LENGTH = 12

/** The command, for `main.ts`. */
export function usersCommand(): Command {
  const command = new Command('users').description('Who may look at the page, once others can reach it.')
  command
    .command('add')
    .description('Adds a user and prints a password, once: only its hash is kept.')
    .argument('<name>', 'as ada, or ada@shop.example', userName)
    .option('--role <role>', ROLES.join(' or '), role, 'viewer')
    .option('--only <dimension=members>', 'numbers of these alone, as campaign_id=a,b; may be repeated', only)
    .option('--definition <file>', 'what --only names dimensions of (default: the ad pipeline)')
    .option('--password-stdin', 'take the password from standard input instead of making one')
    .option('--replace', 'take the place of a user of this name, who is logged out')
    .action(add)
  command.command('list').description('All users.').action(list)
  command.command('remove').description('Removes a user, who is out within a second.').argument('<name>').action(remove)
  for (const sub of command.commands) sub.option('--data-dir <dir>', 'the data folder of the server', DEFAULT_DATA_DIR)
  return command
}

function userName(text: string): string {
  if (USER_NAME_FORM.test(text)) return text
  throw new InvalidArgumentError('Allowed: up to 64 of a-z, 0-9 and . _ @ -, beginning with a letter or digit.')
}

function role(text: string): Role {
  const found = ROLES.find((name) => name === text)
  if (found === undefined) throw new InvalidArgumentError(`Allowed: ${ROLES.join(', ')}.`)
  return found
}

function only(text: string, before: readonly ScopeFilter[] = []): readonly ScopeFilter[] {
  const [, dimension = '', list = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? []
  const members = list.split(',').filter((member) => member !== '')
  if (dimension === '' || members.length === 0)
    throw new InvalidArgumentError('Allowed: a dimension and its members, as campaign_id=spring,summer.')
  const filter = { dimension, mode: 'include', members } as const
  return [...before, filter]
}

async function add(name: string, options: AddOptions): Promise<void> {
  const { dataDir, json, quiet, replace = false, passwordStdin = false } = options
  if (!replace && listUsers(dataDir).some((user) => user.name === name))
    throw new TidemarkError('USAGE', `There is a user "${name}" in ${dataDir} already.`, {
      fix: `./tidemark users add ${name} --replace${dataDirArgument(dataDir)}`,
    })
  if (options.role === 'admin' && options.only !== undefined)
    throw new TidemarkError('USAGE', 'An admin sees everything: --only is for viewers.', {
      fix: 'Leave out one of them.',
    })
  if (options.only !== undefined) await checkDimensions(options.only, options.definition)
  const password = passwordStdin ? await givenPassword() : newPassword()
  const user = await keepUser(dataDir, { name, role: options.role, scope: options.only ?? [] }, password, Date.now())
  const made = passwordStdin ? {} : { password }
  if (json === true) process.stdout.write(`${JSON.stringify({ ...shown(user), ...made })}\n`)
  else process.stdout.write(passwordStdin ? `${name} was added.\n` : `${password}\n`)
  const talk = createTalk({ quiet: quiet === true })
  if (!passwordStdin)
    talk.say('This password is shown once. From now on the page asks who you are, on this machine too.')
  talk.next(`./tidemark users list${dataDirArgument(dataDir)}`)
}

// Who is limited to a member of nothing would see nothing, and who meant another dimension too much.
async function checkDimensions(scope: readonly ScopeFilter[], definition: string | undefined): Promise<void> {
  const plan = await loadPlan(definition === undefined ? {} : { definition })
  const names = plan.dimensions.map(({ name }) => name)
  const unknown = scope.find(({ dimension }) => !names.includes(dimension))?.dimension
  if (unknown === undefined) return
  throw new TidemarkError('USAGE', `--only names "${unknown}", which is no dimension of "${plan.name}".`, {
    given: unknown,
    allowed: names,
    fix: `name one of ${names.join(', ')}, or the pipeline's own definition with --definition`,
  })
}

async function givenPassword(): Promise<string> {
  const password = (await textOfStream(process.stdin)).replace(/\r?\n$/, '')
  if (password.length >= MIN_PASSWORD_LENGTH && password.length <= MAX_PASSWORD_LENGTH) return password
  throw new TidemarkError(
    'USAGE',
    `The password has ${password.length} characters; it must have ${MIN_PASSWORD_LENGTH} to ${MAX_PASSWORD_LENGTH}.`,
    { fix: 'Leave --password-stdin out to have one made.' },
  )
}

function list({ dataDir, json, quiet }: UsersOptions): void {
  const users = listUsers(dataDir)
  if (json === true) process.stdout.write(`${JSON.stringify(users.map(shown))}\n`)
  else for (const user of users) process.stdout.write(`${user.name}  ${user.role}  ${scopeText(user)}\n`)
  const talk = createTalk({ quiet: quiet === true })
  if (users.length === 0) talk.say(`There are no users in ${dataDir}: on this machine everybody may look.`)
  talk.next(
    users.length === 0
      ? `./tidemark users add NAME${dataDirArgument(dataDir)}`
      : `./tidemark users remove NAME${dataDirArgument(dataDir)}`,
  )
}

function remove(name: string, { dataDir, json, quiet }: UsersOptions): void {
  if (!removeUser(dataDir, name))
    throw new TidemarkError('USAGE', `There is no user "${name}" in ${dataDir}.`, {
      fix: `./tidemark users list${dataDirArgument(dataDir)}`,
    })
  process.stdout.write(json === true ? `${JSON.stringify({ name, removed: true })}\n` : `${name} is removed.\n`)
  const talk = createTalk({ quiet: quiet === true })
  if (listUsers(dataDir).length === 0)
    talk.say('That was the last user: on this machine everybody may look now; elsewhere the next start makes an admin.')
  talk.next(`./tidemark users list${dataDirArgument(dataDir)}`)
}

function scopeText({ scope }: StoredUser): string {
  if (scope.length === 0) return 'everything'
  return scope.map(({ dimension, members }) => `${dimension}=${members.join(',')}`).join(' ')
}

function shown({ name, role: ofUser, scope, createdAt }: StoredUser): Readonly<Record<string, unknown>> {
  return { name, role: ofUser, scope, createdAt }
}
