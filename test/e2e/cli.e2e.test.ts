/**
 * The command line as other programs rely on it, run through the launcher of a checkout whose path has a space and that
 * is reached through a symbolic link: exit codes, where data and talk go, suggestions, help, interrupts, broken pipes.
 */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { COMMANDS } from '../../src/cli/commands.ts'
import { runProgram, type Ended } from '../support/run-program.ts'

const PROJECT = join(import.meta.dirname, '..', '..')

describe('the command line', () => {
  let folder = ''
  const run = async (...args: string[]): Promise<Ended> => runProgram(join(folder, 'link'), args, { cwd: folder })

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark cli '))
    const root = join(folder, 'a checkout')
    mkdirSync(root)
    for (const part of ['tidemark', 'scripts', 'src', 'package.json', 'package-lock.json'])
      cpSync(join(PROJECT, part), join(root, part), { recursive: true, preserveTimestamps: true })
    symlinkSync(join(PROJECT, 'node_modules'), join(root, 'node_modules'))
    symlinkSync(join('a checkout', 'tidemark'), join(folder, 'link'))
    // Packages are those of the project: the copy must not find its lock file newer than they are.
    const { mtime } = statSync(join(PROJECT, 'package-lock.json'))
    utimesSync(join(root, 'package-lock.json'), mtime, mtime)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const assertUsage = (ended: Ended, message: RegExp): void => {
    assert.equal(ended.code, 2, ended.stderr)
    assert.equal(ended.stdout, '')
    assert.match(ended.stderr, message)
    assert.match(ended.stderr, /^error \[USAGE\] /)
    assert.match(ended.stderr, /\n {2}fix {4}\.\/tidemark .*--help\n$/)
  }

  it('--version prints the version and nothing else', async () => {
    const ended = await run('--version')
    assert.deepEqual([ended.code, ended.stderr], [0, ''])
    assert.match(ended.stdout, /^\d+\.\d+\.\d+\n$/)
  })

  it('--help lists the commands on stdout; without a command it goes to stderr with exit code 2', async () => {
    const asked = await run('--help')
    assert.equal(asked.code, 0)
    for (const { name } of COMMANDS) assert.match(asked.stdout, new RegExp(`^ {2}${name}\\b`, 'm'))
    const none = await run()
    assert.deepEqual([none.code, none.stdout], [2, ''])
    assert.equal(none.stderr, asked.stdout)
    assert.equal((await run('help')).stdout, asked.stdout)
  })

  it('help of a command shows its own options, both ways', async () => {
    const [flag, word] = await Promise.all([run('plan', '--help'), run('help', 'plan')])
    assert.deepEqual([flag.code, word.code], [0, 0])
    assert.match(flag.stdout, /--attribution-window <duration>/)
    assert.match(flag.stdout, /--json/)
    assert.equal(word.stdout, flag.stdout)
  })

  it('R2 of program: wrong usage is 2, with the nearest right word', async () => {
    assertUsage(await run('raplay'), /Unknown command 'raplay'\. \(Did you mean replay\?\)/)
    assertUsage(
      await run('plan', '--definitoin', 'x'),
      /Unknown option '--definitoin'\. \(Did you mean --definition\?\)/,
    )
    assertUsage(await run('plan', '--atribution-window=1m'), /Did you mean --attribution-window\?/)
    assertUsage(
      await run('plan', '--attribution-window', 'soon'),
      /argument 'soon' is invalid\. Allowed: a whole number/,
    )
    assertUsage(await run('plan', '--definition'), /argument missing/)
    assertUsage(await run('plan', 'a', 'b'), /too many arguments/i)
    assertUsage(await run('--frobnicate'), /Unknown option '--frobnicate'/)
    assertUsage(await run('help', 'raplay'), /Unknown command 'raplay'\. \(Did you mean replay\?\)/)
    assertUsage(await run('flink', 'sql', '--brokers', 'kafka'), /argument 'kafka' is invalid\. Allowed: host:port/)
    assertUsage(await run('flink', 'status', '--job-manager-url', 'here'), /argument 'here' is invalid\. Allowed: http/)
    const inner = await run('dead-letters', 'list', '--since', 'yesterday')
    assertUsage(inner, /argument 'yesterday' is invalid/)
    assert.match(inner.stderr, /fix {4}\.\/tidemark dead-letters list --help$/m)
    assertUsage(await run('users', 'add', 'ada', '--rôle=admin'), /Unknown option '--rôle=admin'/)
  })

  it('commands that look into what is not there say so, and what to do instead', async () => {
    const away = ['--database-url', 'postgresql://a:b@127.0.0.1:1/x']
    const letters = await run('dead-letters', 'list', ...away)
    assert.deepEqual([letters.code, letters.stdout], [69, ''], 'without a folder there are no files to look into')
    assert.match(letters.stderr, /^error \[DATABASE_UNAVAILABLE\]/)
    // Where nobody may make a folder, not even root.
    const up = await run('stack', 'up', '--only', 'postgres', '--data-dir', '/proc/nowhere')
    assert.equal(up.code, 78, up.stderr)
    assert.match(up.stderr, /^error \[DATA_DIR_UNUSABLE\] The stack cannot be kept in \/proc\/nowhere/)
    const logs = await run('stack', 'logs', 'kafka')
    assert.equal(logs.code, 2)
    assert.match(logs.stderr, /The stack was never started from this data folder/)
    writeFileSync(join(folder, 'bad.ndjson'), 'no event\n')
    const kept = await run('replay', '--impressions', 'bad.ndjson', '--dead-letters', 'kept.ndjson')
    assert.match(kept.stderr, /in kept\.ndjson\nThe tables were not kept: give --out/)
    const nowhere = await run('replay', '--impressions', 'bad.ndjson', '--dead-letters', 'no/kept.ndjson')
    assert.match(nowhere.stderr, /^error \[OUTPUT_UNWRITABLE\][^]*choose another place/)
    const host = await run('replay', '--impressions', 'bad.ndjson', '--page', '--host', 'nowhere.invalid')
    assert.match(host.stderr, /cannot listen on port 4400 of nowhere\.invalid: getaddrinfo/)
  })

  it('one definition is one definition, whichever command is told two', async () => {
    for (const name of ['plan', 'run', 'demo', 'rebuild']) {
      const ended = await run(name, 'a.json', '--definition', 'b.json')
      assert.equal(ended.code, 2, name)
      assert.match(ended.stderr, /Two definitions are given: a\.json/)
    }
  })

  it('addresses of servers are looked at before anything is asked', async () => {
    for (const args of [
      ['top', '--url', 'localhost:4400'],
      ['generate', '--http', 'nowhere'],
      ['superset', 'import', '--url', 'x'],
    ])
      assertUsage(await run(...args), /Allowed: http or https and a host/)
    const ended = await run('superset', 'import', '--database-url', 'mysql://me:s3cret@h/d')
    assert.equal(ended.code, 2)
    assert.match(ended.stderr, /not PostgreSQL/)
    assert.ok(!ended.stderr.includes('s3cret'))
  })

  it('a missing file is 66, a broken definition 78', async () => {
    const missing = await run('plan', '--definition', 'nowhere.json')
    assert.equal(missing.code, 66, missing.stderr)
    assert.match(missing.stderr, /INPUT_MISSING.*nowhere\.json/)
    writeFileSync(join(folder, 'broken.json'), '{"extends": "ads", "tables": {"t": {"dimensions": ["campain_id"]}}}')
    const broken = await run('plan', '--definition', 'broken.json')
    assert.equal(broken.code, 78, broken.stderr)
    assert.match(broken.stderr, /DEFINITION_INVALID[^]*campain_id/)
  })

  it('R1 of program: --json: errors too are one document on stdout, wherever the option stands', async () => {
    for (const args of [
      ['plan', '--json', '--definition', 'nowhere.json'],
      ['--json', 'plan', '--definition', 'nowhere.json'],
    ]) {
      const ended = await run(...args)
      assert.equal(ended.code, 66)
      const { error } = JSON.parse(ended.stdout) as { error: { code: string; exitCode: number } }
      assert.deepEqual([error.code, error.exitCode], ['INPUT_MISSING', 66])
      assert.match(ended.stderr, /^error \[INPUT_MISSING\]/)
    }
  })

  it('--json before the command reaches it; --quiet leaves stderr empty', async () => {
    const ended = await run('--json', '--quiet', 'plan')
    assert.deepEqual([ended.code, ended.stderr], [0, ''])
    assert.equal((JSON.parse(ended.stdout) as { plan: { name: string } }).plan.name, 'ads')
    assert.match((await run('plan')).stderr, /^next: /m)
  })

  it('--verbose shows where an error comes from; without it there is no stack', async () => {
    assert.doesNotMatch((await run('plan', '--definition', 'nowhere.json')).stderr, /\n +at /)
    assert.match((await run('plan', '--verbose', '--definition', 'nowhere.json')).stderr, /\n +at /)
  })

  it('files among the arguments are relative to where it is called', async () => {
    writeFileSync(join(folder, 'mine.json'), '{"extends": "ads", "name": "mine"}')
    assert.match((await run('plan', 'mine.json')).stdout, /mine/)
  })

  it('a reader that goes away is no error', async () => {
    const script = 'set -o pipefail; "$0" plan --json | true; echo "code $?"'
    const ended = await runProgram('/bin/bash', ['-c', script, join(folder, 'link')])
    assert.equal(ended.stdout, 'code 0\n')
    assert.doesNotMatch(ended.stderr, /EPIPE|error/)
  })

  it('doctor looks and says how to go on', async () => {
    const ended = await run('doctor', '--json', '--data-dir', join(folder, 'data'))
    const { ok, checks } = JSON.parse(ended.stdout) as { ok: boolean; checks: { name: string; status: string }[] }
    assert.equal(ok, ended.code === 0)
    for (const name of ['node', 'memory', 'clock', 'data folder', 'disk', 'postgresql', 'port 4400', 'page'])
      assert.ok(
        checks.some((check) => check.name === name),
        name,
      )
    assert.match(ended.stderr, /^next: /m)
  })
})
