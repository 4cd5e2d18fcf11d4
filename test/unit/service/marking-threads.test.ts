/**
 * Which threads of a process come last.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'

const MODULE = new URL('../../../src/service/marking-threads.ts', import.meta.url).href
const isLinux = process.platform === 'linux'

/** Niceness by name of the threads of a process, before and after. */
const LOOK = `
  import { readdirSync, readFileSync } from 'node:fs'
  import { markHeapBehindAllElse } from '${MODULE}'
  const look = () => readdirSync('/proc/self/task').map((id) => {
    const stat = readFileSync('/proc/self/task/' + id + '/stat', 'utf8')
    const after = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return [stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')), Number(after[16])]
  })
  const before = look()
  markHeapBehindAllElse()
  markHeapBehindAllElse()
  console.log(JSON.stringify({ before, after: look() }))
`

type Threads = readonly (readonly [name: string, niceness: number])[]

describe('threads that mark the heap', () => {
  it('M1: come after all others of the process, however often that is said', { skip: !isLinux }, () => {
    const text = execFileSync(process.execPath, ['--input-type=module', '--eval', LOOK], { encoding: 'utf8' })
    const { before, after } = JSON.parse(text) as { readonly before: Threads; readonly after: Threads }
    const own = Math.max(...before.map(([, niceness]) => niceness))
    const marking = after.filter(([name]) => name === 'V8Worker')
    assert.ok(marking.length > 0, 'control: there are such threads')
    for (const [, niceness] of marking) assert.equal(niceness, Math.min(19, own + 10))
    for (const [name, niceness] of after) if (name !== 'V8Worker') assert.equal(niceness, own, name)
  })
})
