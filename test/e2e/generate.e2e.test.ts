/**
 * `tidemark generate` as a person or a program runs it.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import fs from 'node:fs'
import { createServer } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { runProgram, type Ended } from '../support/run-program.ts'

const MAIN = path.join(import.meta.dirname, '../../src/cli/main.ts')
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tidemark generate '))
after(() => fs.rmSync(folder, { recursive: true, force: true }))

const generate = async (...args: string[]): Promise<Ended> =>
  runProgram(process.execPath, [MAIN, 'generate', ...args], { env: process.env })

const lineCount = (file: string): number => fs.readFileSync(file, 'latin1').split('\n').length - 1

test('the log of the contract: lines, truth, next command', async () => {
  const out = path.join(folder, 'log')
  const shares = ['--duplicates', '2%', '--orphans', '1%', '--repeats', '0.01', '--late', '0.5%', '--malformed', '0.1%']
  const ended = await generate('--seed', '7', '--events', '20_000', ...shares, '--partitions', '4', '--out', out)
  assert.equal(ended.code, 0, ended.stderr)
  assert.equal(ended.stdout, '')
  assert.match(ended.stderr, /20,000 events over \d+m of event time/)
  assert.match(ended.stderr, /next: .*tidemark replay --impressions '.*\/log'\/impressions-\*\.ndjson/)
  const logs = fs.readdirSync(out).filter((name) => name.endsWith('.ndjson'))
  assert.equal(logs.length, 8)
  const lines = logs.reduce((sum, name) => sum + lineCount(path.join(out, name)), 0)
  assert.equal(lines, 20_000)
  const ledger = fs
    .readFileSync(path.join(out, 'truth', 'ledger.csv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
  assert.equal(
    ledger.reduce((sum, row) => sum + Number(row.split(',')[3]), 0),
    lines,
  )
})

test('--json prints one document', async () => {
  const ended = await generate(
    '--events',
    '1000',
    '--preset',
    'hostile',
    '--json',
    '--quiet',
    '--out',
    path.join(folder, 'j'),
  )
  assert.equal(ended.code, 0, ended.stderr)
  assert.equal(ended.stderr, '')
  const document = JSON.parse(ended.stdout) as { events: number; read: { impressions: number; clicks: number } }
  assert.equal(document.events, 1_000)
  assert.equal(document.read.impressions + document.read.clicks, 1_000)
})

test('the key of a sender is taken from the environment, where no other program sees it', async () => {
  const given = new Set<string | undefined>()
  const server = createServer((request, response) => {
    given.add(request.headers.authorization)
    request.resume().on('end', () => response.end('{}'))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`
  const args = [MAIN, 'generate', '--events', '100', '--http', url]
  const ended = await runProgram(process.execPath, args, { env: { ...process.env, TIDEMARK_KEY: 'k1' } })
  const asked = await runProgram(process.execPath, [...args, '--key', 'k2'], { env: process.env })
  server.close()
  assert.deepEqual([ended.code, asked.code], [0, 0], ended.stderr)
  assert.deepEqual([...given], ['Bearer k1', 'Bearer k2'])
})

test('a standard log of any length spans about an hour', async () => {
  const ended = await generate('--events', '4000', '--preset', 'standard', '--json', '--out', path.join(folder, 's'))
  const { spanMs } = JSON.parse(ended.stdout) as { spanMs: number }
  assert.ok(Math.abs(spanMs / 3_600_000 - 1) < 0.03, `${spanMs} ms`)
})

for (const { name, args, says } of [
  { name: 'no target', args: [], says: /needs --out DIR/ },
  { name: 'two places', args: ['--kafka', 'localhost:9092', '--http', 'http://localhost:4400'], says: /not both/ },
  { name: 'live traffic in a folder', args: ['--live', '--out', folder], says: /--live is for --kafka and --http/ },
  { name: 'lines too long', args: ['--kafka', 'localhost:9092', '--oversized-lines', '1%'], says: /up to 1 MB/ },
  { name: 'a share of 200 %', args: ['--out', 'x', '--late', '200%'], says: /--late.*Allowed: 0% to 100%/ },
  {
    name: 'too much of everything',
    args: ['--out', 'x', '--late', '50%', '--orphans', '50%'],
    says: /allowed: up to 0\.8/,
  },
  { name: 'no events', args: ['--out', 'x', '--events', '0'], says: /--events.*Allowed: a whole number from 1/ },
  {
    name: 'an unknown preset',
    args: ['--out', 'x', '--preset', 'evil'],
    says: /Allowed: original, standard, demo, hostile/,
  },
  {
    name: 'a start without zone',
    args: ['--out', 'x', '--start', '2026-01-01T00:00:00'],
    says: /ISO-8601 with a zone/,
  },
  { name: 'a misspelt option', args: ['--out', 'x', '--duplicate', '1%'], says: /--duplicates/ },
]) {
  test(`refused with exit code 2: ${name}`, async () => {
    const ended = await generate(...args)
    assert.equal(ended.code, 2, ended.stderr)
    assert.match(ended.stderr, says)
    assert.ok(!fs.existsSync('x'))
  })
}

test('interrupted, it leaves no file and exits with 130', async () => {
  const out = path.join(folder, 'interrupted')
  const ended = await runProgram(process.execPath, [MAIN, 'generate', '--events', '50000000', '--out', out], {
    env: process.env,
    started: (child) => {
      const watch = setInterval(() => {
        const temporary = path.join(out, `impressions-0.ndjson.partial-${child.pid}`)
        if (!fs.existsSync(temporary) || fs.statSync(temporary).size === 0) return
        clearInterval(watch)
        child.kill('SIGINT')
      }, 10)
      child.on('close', () => clearInterval(watch))
    },
  })
  assert.equal(ended.code, 130, ended.stderr)
  assert.deepEqual(fs.readdirSync(out, { recursive: true }), ['truth'])
})
