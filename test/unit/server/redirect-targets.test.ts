import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { RedirectTargets, signTarget } from '../../../src/server/ingest/redirect-targets.ts'

const targets = new RedirectTargets({
  hosts: ['shop.example', '*.brand.example', 'Bücher.example', 'local.example:8080'],
  secret: 'a secret of at least thirty-two characters',
})

describe('where a click may go (T1 to T3)', () => {
  for (const [target, location] of [
    ['https://shop.example', 'https://shop.example/'],
    ['http://SHOP.example/a?b=c#d', 'http://shop.example/a?b=c#d'],
    ['https://shop.example:443/', 'https://shop.example/'],
    ['https://www.brand.example/x', 'https://www.brand.example/x'],
    ['https://bücher.example/ä', 'https://xn--bcher-kva.example/%C3%A4'],
    ['http://local.example:8080/', 'http://local.example:8080/'],
  ] as const)
    it(`to ${target}`, () => assert.equal(targets.resolve(target, undefined), location))

  for (const target of [
    '',
    '/',
    '/path',
    '//evil.example',
    '\\\\evil.example',
    '/\\evil.example',
    'https:evil.example',
    'https:/evil.example',
    'https:///evil.example',
    'https:\\\\shop.example',
    'https://shop.example\\@evil.example',
    'https://shop.example@evil.example',
    'https://user:pass@shop.example',
    'https://@shop.example',
    'https://evil.example/https://shop.example',
    'https://evil.example?shop.example',
    'https://evil.example#shop.example',
    'https://shop.example.evil.example',
    'https://shop.example.',
    'https://evilshop.example',
    'https://brand.example',
    'https://evilbrand.example',
    'https://shop.example:8443',
    'https://local.example:8081',
    'https://shop%2eexample%2f@evil.example',
    'https://evil%00.shop.example',
    'https://shop.example%00.evil.example',
    'https://shоp.example', // a Cyrillic о
    'https://shop.examрle', // a Cyrillic р
    'https://ｓhop.evil.example',
    'javascript:alert(1)',
    'java\nscript:alert(1)',
    'JaVaScRiPt://shop.example/%0aalert(1)',
    'data:text/html,x',
    'ftp://shop.example/',
    'https://shop.example/\r\nSet-Cookie: a=b',
    ' https://shop.example',
    'https://shop.example /',
    '%68ttps://shop.example',
    'https%3A%2F%2Fshop.example',
    'https://[::1]/',
    'https://2130706433/',
  ])
    it(`never to ${JSON.stringify(target)}`, () => assert.equal(targets.resolve(target, undefined), undefined))

  it('anywhere by a signature of exactly this target, as openssl makes it', () => {
    const target = 'https://elsewhere.example/a?b=ü'
    const secret = 'a secret of at least thirty-two characters'
    const made = execFileSync('openssl', ['dgst', '-sha256', '-hmac', secret, '-r'], {
      input: target,
      encoding: 'utf8',
    })
    const signature = made.slice(0, 64)
    assert.equal(signature, signTarget(target, secret))
    assert.equal(targets.resolve(target, signature), 'https://elsewhere.example/a?b=%C3%BC')
    assert.equal(targets.resolve(target, signature.toUpperCase()), 'https://elsewhere.example/a?b=%C3%BC')
    for (const [other, given] of [
      [`${target}x`, signature],
      [target, signature.slice(1)],
      [target, ''],
      [target, undefined],
      [target, signTarget(target, 'another secret')],
    ] as const)
      assert.equal(targets.resolve(other, given), undefined)
    const script = 'javascript:alert(1)'
    assert.equal(
      targets.resolve(script, signTarget(script, secret)),
      undefined,
      'a signature does not make it an address',
    )
    assert.equal(new RedirectTargets({}).resolve(target, signTarget(target, '')), undefined, 'no secret, no signature')
  })
})
