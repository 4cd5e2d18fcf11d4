/**
 * What a command says while it works: quiet when told, plain when nobody looks.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTalk, wantsColour } from '../../../src/cli/talk.ts'

function stream(isTTY: boolean): { isTTY: boolean; columns: number; text: string; write(text: string): void } {
  return {
    isTTY,
    columns: 60,
    text: '',
    write(text) {
      this.text += text
    },
  }
}

describe('talk', () => {
  it('K1: says nothing when quiet', () => {
    const out = stream(true)
    const talk = createTalk({ quiet: true }, out)
    talk.say('hello')
    talk.next('./tidemark demo')
    const progress = talk.progress('reading')
    progress.update(0.5)
    progress.end()
    assert.equal(out.text, '')
  })

  it('K2: is plain text without a terminal', () => {
    const out = stream(false)
    const talk = createTalk({}, out)
    talk.progress('reading').update(0.5)
    talk.next('./tidemark demo')
    assert.equal(out.text, 'next: ./tidemark demo\n')
  })

  it('K2: obeys NO_COLOR and TERM=dumb', () => {
    assert.equal(wantsColour(stream(true), {}), true)
    assert.equal(wantsColour(stream(true), { NO_COLOR: '1' }), false)
    assert.equal(wantsColour(stream(true), { NO_COLOR: '' }), true)
    assert.equal(wantsColour(stream(true), { TERM: 'dumb' }), false)
    assert.equal(wantsColour(stream(false), {}), false)
  })

  it('K3: rewrites one line that fits, and clears it', () => {
    const out = stream(true)
    const progress = createTalk({}, out).progress('reading')
    progress.update(0.5, 'x'.repeat(200))
    progress.update(0.6)
    progress.end()
    const [drawn = '', ...rest] = out.text.split('\r\u001b[2K').slice(1)
    assert.equal(drawn.replaceAll(/\u001b\[\d*m/g, '').length, 59)
    assert.match(drawn, /reading █{12}░{12} {2}50% x+/)
    assert.deepEqual(rest, [''], 'the second update came too soon to be drawn')
  })
})
