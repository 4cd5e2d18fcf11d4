/**
 * `tidemark users`, and what its users then see of a running server.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { Access } from '../../src/server/access/access.ts'
import { LiveView } from '../../src/server/live-view.ts'
import { startServer } from '../../src/server/start-server.ts'
import { adPlan } from '../support/engine-rig.ts'
import { runProgram, type Ended } from '../support/run-program.ts'
import { afterwards } from '../support/afterwards.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')

it('users are added, listed, log in, and removed', async (context) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tidemark-users-'))
  afterwards(context, () => rmSync(dataDir, { recursive: true, force: true }))
  const users = async (args: readonly string[], input = ''): Promise<Ended> =>
    runProgram(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', MAIN, 'users', ...args, '--data-dir', dataDir],
      { input },
    )
  const added = await users(['add', 'victor', '--only', 'campaign_id=a,b', '--json'])
  assert.equal(added.code, 0, added.stderr)
  const { password, scope } = JSON.parse(added.stdout) as { readonly password: string; readonly scope: unknown }
  assert.deepEqual(scope, [{ dimension: 'campaign_id', mode: 'include', members: ['a', 'b'] }])
  assert.equal((await users(['add', 'ada', '--role', 'admin', '--password-stdin'], 'twelve letters\n')).code, 0)
  assert.match((await users(['list'])).stdout, /^ada {2}admin {2}everything\nvictor {2}viewer {2}campaign_id=a,b\n$/)
  for (const [args, input] of [
    [['add', 'victor'], ''],
    [['add', 'Bad Name'], ''],
    [['add', 'x', '--role', 'owner'], ''],
    [['add', 'x', '--only', 'campaign_id'], ''],
    [['add', 'x', '--only', 'nope=1'], ''],
    [['add', 'x', '--role', 'admin', '--only', 'campaign_id=a'], ''],
    [['add', 'x', '--password-stdin'], 'short'],
    [['remove', '../keys'], ''],
  ] as const)
    assert.equal((await users(args, input)).code, 2, args.join(' '))
  const server = await startServer({
    liveView: new LiveView(adPlan()),
    status: () => null,
    access: new Access({ dataDir, isExposed: false }),
    port: 0,
  })
  afterwards(context, () => server.close())
  const logIn = async (name: string, text: string): Promise<number> => {
    const body = new URLSearchParams({ name, password: text })
    return (await fetch(`${server.url}/login`, { method: 'POST', body, redirect: 'manual' })).status
  }
  assert.deepEqual([await logIn('victor', password), await logIn('ada', 'twelve letters')], [303, 303])
  assert.equal(await logIn('victor', 'twelve letters'), 401, 'control')
  assert.equal((await users(['remove', 'victor'])).code, 0)
  assert.equal((await users(['remove', 'victor'])).code, 2)
  assert.match(
    (await users(['remove', 'ada'])).stderr,
    /That was the last user: on this machine everybody may look now/,
  )
})

it('a start that is refused for want of a key shows no password', async (context) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tidemark-no-key-'))
  afterwards(context, () => rmSync(dataDir, { recursive: true, force: true }))
  const run = ['run', '--host', '0.0.0.0', '--port', '0', '--admin-port', '0', '--data-dir', dataDir]
  const ended = await runProgram(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...run])
  assert.equal(ended.code, 78, ended.stderr)
  assert.match(ended.stderr, /KEY_REQUIRED/)
  assert.doesNotMatch(ended.stderr, /Log in as/)
  assert.equal(existsSync(join(dataDir, 'users', 'admin-password')), false)
})
