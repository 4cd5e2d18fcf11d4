/**
 * Where the instance that runs on a data folder can be reached: a file that other commands look into.
 *
 * I1  The file only helps to find an instance; whether one runs is found out by asking it.
 * I2  An instance runs without it: a file that cannot be written or removed is told, and ends nothing.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../errors.ts'

/** What it says. */
export interface RunningInstance {
  readonly url: string
  readonly adminUrl: string
  readonly pid: number
}

const FILE = 'instance.json'

/**
 * Says where this instance is; returns what takes that back.
 *
 * @param onFailure told what others do without where the file cannot be written or removed (I2)
 */
export function announceInstance(
  dataDir: string,
  instance: RunningInstance,
  onFailure: (why: string) => void,
): () => void {
  const path = join(dataDir, FILE)
  const attempt = (what: string, work: () => void): void => {
    try {
      work()
    } catch (error) {
      const why = messageOf(error)
      onFailure(`${path} cannot be ${what}: ${why}. \`top\` and \`dead-letters replay\` need --url meanwhile.`)
    }
  }
  attempt('written', () => writeFileSync(path, `${JSON.stringify(instance)}\n`, { mode: 0o600 }))
  return () =>
    attempt('removed', () => {
      if (findInstance(dataDir)?.pid === instance.pid) rmSync(path, { force: true })
    })
}

/** The instance that announced itself last and did not end in order; undefined where there is none. */
export function findInstance(dataDir: string): RunningInstance | undefined {
  const path = join(dataDir, FILE)
  if (!existsSync(path)) return undefined
  try {
    const { url, adminUrl, pid } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Record<string, unknown>>
    const isWhole = typeof url === 'string' && typeof adminUrl === 'string' && typeof pid === 'number'
    return isWhole ? { url, adminUrl, pid } : undefined
  } catch {
    return undefined
  }
}
