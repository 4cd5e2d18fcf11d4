/**
 * A real Chromium for tests of the page. Where there is none, tests skip and say so aloud; in CI they fail.
 */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Where Chromium is: `CHROMIUM` if given, else one of its usual names on the path. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = env['CHROMIUM']
  if (given !== undefined && given !== '') return given
  const folders = (env['PATH'] ?? '').split(delimiter)
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable)
}

/** What `skip` of a suite should be: false where there is a Chromium, the reason where there is none. */
export function skipWithoutChromium(): string | false {
  if (findChromium() !== undefined) return false
  const message = 'no Chromium here: the page is not tested. To have it: apt-get install chromium, or set CHROMIUM.'
  if (process.env['CI'] === 'true') throw new Error(message)
  process.stderr.write(`tests: ${message}\n`)
  return message
}

/** Starts the browser. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium()
  if (executablePath === undefined) throw new Error('Chromium was there and is gone.')
  return chromium.launch({ executablePath, args: FLAGS })
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
