/**
 * How a start of the stack judges itself. PostgreSQL alone is started: no jars are needed.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { portsFrom, stackHome, type StackSettings } from '../../src/stack/settings.ts'
import { stackDown, stackUp } from '../../src/stack/stack.ts'
import { readState, writeState, type StackState } from '../../src/stack/state-file.ts'

/** A number that no process has. */
const NOBODY = { pid: 2 ** 30, start: 'never' }

describe('up of a stack that was there before', () => {
  let settings: StackSettings
  beforeEach(() => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tidemark-up-'))
    const home = stackHome(dataDir)
    mkdirSync(home, { recursive: true })
    settings = {
      home,
      dataDir,
      cacheDir: join(dataDir, 'cache'),
      groups: ['postgres'],
      ports: portsFrom(1, 3),
      taskManagerHeapMb: 768,
    }
  })
  afterEach(async () => {
    await stackDown(settings.home)
    rmSync(settings.dataDir, { recursive: true, force: true })
  })

  const lastState = (change: Partial<StackState>): StackState => ({
    supervisor: NOBODY,
    settings,
    parts: [],
    jobs: [],
    databaseUrl: undefined,
    failure: undefined,
    ...change,
  })
  const up = async (): Promise<StackState> =>
    stackUp(settings, { log: () => undefined, signal: AbortSignal.timeout(120_000) })

  it('a part that had died often before it went down does not fail the next start (U4)', async () => {
    const tasks = { name: 'taskmanager', status: 'stopped', process: undefined, address: '', logFile: '' } as const
    writeState(settings.home, lastState({ parts: [{ ...tasks, restarts: 4, reason: 'it ended with code 239' }] }))
    const state = await up()
    assert.deepEqual(
      state.parts.map(({ name, status, restarts }) => [name, status, restarts]),
      [['postgres', 'ready', 0]],
    )
  })

  it('why the last start failed is not why this one does (U4)', async () => {
    writeState(settings.home, lastState({ failure: 'Port 1 is taken.' }))
    assert.equal((await up()).failure, undefined)
    assert.equal(readState(settings.home)?.failure, undefined)
  })
})
