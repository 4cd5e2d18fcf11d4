/**
 * Superset on this machine: one web server on the loopback interface, its metadata in a file of its own, so that it
 * stays up and says what is wrong when PostgreSQL is away.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { secretIn } from '../database/cluster-files.ts'
import { supersetPython } from './fetch-superset.ts'
import { answers, type StackPart } from './part.ts'
import { stackUrls, supersetHome, type StackSettings } from './settings.ts'

const SOURCES = join(import.meta.dirname, 'superset')

/** Generates key and password where they are missing, and says how to start it. */
export function supersetPart(settings: StackSettings, environment: string): StackPart {
  const folder = supersetHome(settings.home)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  secretIn(join(folder, 'secret-key'))
  secretIn(supersetPasswordFile(settings.home))
  const { supersetUrl } = stackUrls(settings.ports)
  return {
    name: 'superset',
    command: () => [supersetPython(environment), join(SOURCES, 'serve.py')],
    env: {
      TIDEMARK_SUPERSET_HOME: folder,
      TIDEMARK_SUPERSET_PORT: String(settings.ports.superset),
      SUPERSET_CONFIG_PATH: join(SOURCES, 'superset_config.py'),
      SUPERSET_HOME: folder,
      SCARF_ANALYTICS: 'false',
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONUNBUFFERED: '1',
      TZ: 'UTC',
    },
    address: supersetUrl,
    ports: [settings.ports.superset],
    isReady: async () => answers(`${supersetUrl}/health`),
  }
}

/** Where the password of Superset's `admin` is kept. */
export function supersetPasswordFile(home: string): string {
  return join(supersetHome(home), 'admin-password')
}
