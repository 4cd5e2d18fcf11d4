/**
 * The launcher and its set-up, in a checkout of three files whose npm is a stand-in that notes each call. The real
 * set-up takes the network and half a minute; what is tested here is when it runs, how often, and what it says when it
 * cannot.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { runProgram, type Ended } from '../support/run-program.ts'

const PROJECT = join(import.meta.dirname, '..', '..')

/** Prints where it runs and what it was given; `wait` waits for a signal, `code N` exits with N. */
const MAIN = `
const args = process.argv.slice(2)
if (args[0] === 'code') process.exitCode = Number(args[1])
if (args[0] === 'wait') {
  process.on('SIGTERM', () => process.exit(42))
  setInterval(() => undefined, 1000)
}
console.log(JSON.stringify({ args, cwd: process.cwd(), pid: process.pid }))
`

/** Stands in for npm: notes the call and puts Node and a page builder where npm would. */
const NPM = `#!/bin/sh
printf 'npm %s\\n' "$*" >>"$CALLS"
[ -z "$NPM_FAILS" ] || { echo 'npm error network' >&2; exit 1; }
[ -z "$NPM_SLOW" ] || sleep 1
mkdir -p node_modules/.bin node_modules/vite/bin
ln -sf "$REAL_NODE" node_modules/.bin/node
cat >node_modules/vite/bin/vite.js <<'END'
require('node:fs').appendFileSync(process.env.CALLS, 'vite\\n')
if (process.env.VITE_FAILS) { console.error('syntax error in page.tsx'); process.exit(1) }
const out = require('node:path').join('dashboard', process.argv[process.argv.indexOf('--outDir') + 1])
require('node:fs').mkdirSync(out, { recursive: true })
require('node:fs').writeFileSync(out + '/index.html', '<!doctype html>')
END
`

describe('the launcher', () => {
  let folder = ''
  let root = ''
  let env: NodeJS.ProcessEnv = {}

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark launcher '))
    root = join(folder, 'with space')
    mkdirSync(join(root, 'src', 'cli'), { recursive: true })
    for (const part of ['tidemark', 'scripts']) cpSync(join(PROJECT, part), join(root, part), { recursive: true })
    writeFileSync(join(root, 'src', 'cli', 'main.ts'), MAIN)
    writeFileSync(join(root, 'package-lock.json'), '{}')
    writeFileSync(join(root, 'package.json'), '{"type": "module"}')
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'npm'), NPM)
    chmodSync(join(bin, 'npm'), 0o755)
    symlinkSync(process.execPath, join(bin, 'node'))
    env = {
      PATH: [bin, '/usr/bin', '/bin'].join(delimiter),
      CALLS: join(folder, 'calls'),
      REAL_NODE: process.execPath,
    }
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const calls = (): readonly string[] =>
    existsSync(env['CALLS'] ?? '')
      ? readFileSync(env['CALLS'] ?? '', 'utf8')
          .split('\n')
          .slice(0, -1)
      : []
  const launch = async (...args: string[]): Promise<Ended> => runProgram(join(root, 'tidemark'), args, { env })

  it('sets up once, and hands arguments, folder, exit code and streams through', async () => {
    const first = await runProgram(join(root, 'tidemark'), ['code', '7', 'a b', '*', ''], { env, cwd: '/tmp' })
    assert.equal(first.code, 7, first.stderr)
    assert.match(first.stderr, /installing packages/)
    const { args, cwd } = JSON.parse(first.stdout) as { args: string[]; cwd: string }
    assert.deepEqual(args, ['code', '7', 'a b', '*', ''])
    assert.equal(cwd, '/tmp')
    const second = await launch('plan')
    assert.equal(second.code, 0)
    assert.equal(second.stderr, '')
    assert.equal(calls().length, 1)
    assert.match(calls()[0] ?? '', /^npm ci .*--ignore-scripts/)
  })

  it('says and runs nothing when there is nothing to do', async () => {
    await launch('plan')
    const before = calls().length
    const setUp = ['-c', 'root=$1; . "$1/scripts/setup.sh"; set_up packages page', 'sh', root]
    const ended = await runProgram('/bin/sh', setUp, { env })
    assert.deepEqual([ended.code, ended.stdout, ended.stderr], [0, '', ''])
    assert.equal(calls().length, before)
  })

  it('installs again when the lock file changes', async () => {
    await launch('plan')
    appendFileSync(join(root, 'package-lock.json'), ' ')
    await launch('plan')
    assert.equal(calls().length, 2)
  })

  it('accepts packages that somebody installed by hand', async () => {
    await launch('plan')
    rmSync(join(root, 'node_modules', '.tidemark-setup'))
    mkdirSync(join(root, 'node_modules', 'typescript'))
    writeFileSync(join(root, 'node_modules', '.package-lock.json'), '{}')
    assert.match((await launch('plan')).stderr, /installed already/)
    assert.equal(calls().length, 1)
  })

  it('works through symbolic links, relative ones too, and by the PATH', async () => {
    symlinkSync(join('with space', 'tidemark'), join(folder, 'first'))
    symlinkSync(join(folder, 'first'), join(folder, 'bin', 'tm'))
    assert.equal((await runProgram(join(folder, 'bin', 'tm'), ['code', '3'], { env })).code, 3)
    assert.equal((await runProgram('/bin/sh', ['-c', 'tm code 4'], { env })).code, 4)
    assert.equal((await runProgram('/bin/sh', ['tidemark', 'code', '5'], { env, cwd: root })).code, 5)
    const absoluteLinkRoot = dirname(join(folder, 'bin', 'tm'))
    assert.equal((await runProgram('./tm', ['code', '6'], { env, cwd: absoluteLinkRoot })).code, 6)
  })

  it('becomes Node: a signal reaches it, and its exit code is kept', async () => {
    const ended = await runProgram(join(root, 'tidemark'), ['wait'], {
      env,
      started: (child) =>
        child.stdout?.on('data', (text: Buffer) => {
          assert.equal((JSON.parse(text.toString()) as { pid: number }).pid, child.pid)
          child.kill('SIGTERM')
        }),
    })
    assert.equal(ended.code, 42, ended.stderr)
  })

  it('is quiet when told', async () => {
    assert.equal((await launch('plan', '--quiet')).stderr, '')
    assert.equal(calls().length, 1)
  })

  it('says what to do without Node, without npm, and when npm fails', async () => {
    const none = join(folder, 'none')
    mkdirSync(none)
    for (const tool of ['cksum', 'uname', 'mkdir', 'rm', 'cat', 'find', 'date', 'id', 'readlink', 'sh'])
      symlinkSync(`/usr/bin/${tool}`, join(none, tool))
    env = { ...env, PATH: none }
    const noNode = await launch('plan')
    assert.deepEqual([noNode.code, noNode.stdout], [1, ''])
    assert.match(noNode.stderr, /error \[SETUP\] There is no Node on the PATH.*\n {2}fix {4}Install Node 24/)
    symlinkSync(process.execPath, join(none, 'node'))
    assert.match((await launch('plan')).stderr, /Node but no npm on the PATH/)
    env = { ...env, PATH: [join(folder, 'bin'), '/usr/bin', '/bin'].join(delimiter), NPM_FAILS: '1' }
    const failed = await launch('plan')
    assert.equal(failed.code, 1)
    assert.match(failed.stderr, /npm error network\nerror \[SETUP\] npm ci failed in .*with space/)
    assert.equal(existsSync(join(root, '.tidemark-setup.lock')), false, 'the lock is let go')
    env = { ...env, NPM_FAILS: '' }
    assert.equal((await launch('plan')).code, 0, 'the next run mends it')
  })

  it('builds the page for commands that show it, again when a source is newer', async () => {
    mkdirSync(join(root, 'dashboard'))
    writeFileSync(join(root, 'dashboard', 'page.tsx'), '')
    await launch('plan')
    assert.deepEqual(calls().slice(1), [])
    assert.match((await launch('demo')).stderr, /page built/)
    await launch('demo')
    assert.deepEqual(calls().slice(1), ['vite'])
    rmSync(join(root, 'dist'), { recursive: true })
    for (const command of ['run', 'page']) {
      assert.match((await launch(command)).stderr, /page built/, command)
      rmSync(join(root, 'dist'), { recursive: true })
    }
    assert.match((await launch('demo')).stderr, /page built/)
    const soon = new Date(Date.now() + 2_000)
    utimesSync(join(root, 'dashboard', 'page.tsx'), soon, soon)
    const broken = await runProgram(join(root, 'tidemark'), ['demo'], { env: { ...env, VITE_FAILS: '1' } })
    assert.equal(broken.code, 1)
    assert.match(broken.stderr, /syntax error in page\.tsx\nerror \[SETUP\] The page cannot be built/)
    assert.ok(existsSync(join(root, 'dist', 'dashboard', 'index.html')), 'the page before it stays')
  })

  it('S2: of two at once, one works and the other waits', async () => {
    env = { ...env, NPM_SLOW: '1' }
    const [one, two] = await Promise.all([launch('code', '1'), launch('code', '2')])
    assert.deepEqual([one.code, two.code], [1, 2], one.stderr + two.stderr)
    assert.equal(calls().length, 1)
    assert.match(one.stderr + two.stderr, /waiting for another set-up/)
  })

  it('S2: waits for a lock whose holder lives, takes over one whose holder is dead', async () => {
    const lock = join(root, '.tidemark-setup.lock')
    mkdirSync(lock)
    writeFileSync(join(lock, 'pid'), `${process.pid}\n`)
    let said = ''
    const waiting = runProgram(join(root, 'tidemark'), ['plan'], {
      env,
      started: (child) => child.stderr?.on('data', (text: Buffer) => (said += text.toString())),
    })
    await eventually('it waits', () => said.includes(`waiting for another set-up to end (process ${process.pid})`))
    assert.deepEqual(calls(), [])
    const dead = (await runProgram('/bin/sh', ['-c', 'echo $$'])).stdout
    writeFileSync(join(lock, 'pid'), dead)
    const ended = await waiting
    assert.equal(ended.code, 0)
    assert.match(ended.stderr, /did not end; doing its work again/)
    assert.equal(calls().length, 1)
    assert.equal(existsSync(lock), false)
  })

  it('S2: a launcher that was killed leaves an npm behind; nobody joins it, its end is waited for', async () => {
    const child = spawn(join(root, 'tidemark'), ['plan'], { env: { ...env, NPM_SLOW: '1' }, stdio: 'ignore' })
    await eventually('npm runs', () => calls().length === 1)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const next = await launch('code', '3')
    assert.equal(next.code, 3, next.stderr)
    assert.match(next.stderr, /waiting for another set-up[^]*did not end; doing its work again/)
  })
})
