/**
 * Database URLs as users give them, checked before anything is connected to.
 *
 * U1  Whatever is wrong is said of the URL itself, never as an outage of a server.
 * U2  What is shown of a wrong URL holds no password, wherever one may stand in it.
 */
import { TidemarkError } from '../errors.ts'
import { describeUrl } from './database-error.ts'

const FORM = 'postgresql://USER:PASSWORD@HOST:PORT/DATABASE'

/**
 * Checks that a text names a PostgreSQL server.
 *
 * @throws TidemarkError USAGE
 */
export function checkDatabaseUrl(text: string): void {
  const problem = problemOf(text)
  if (problem === undefined) return
  const shown = text === '' ? 'an empty text' : shownUrl(text)
  throw new TidemarkError('USAGE', `The database URL ${shown} ${problem}. Allowed: ${FORM}.`, {
    where: shown,
    fix: `give --database-url '${FORM}'; write special characters of the password as %XX`,
  })
}

function problemOf(text: string): string | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]
  if (scheme === undefined) return 'does not begin with postgresql://'
  if (!/^postgres(ql)?$/.test(scheme)) return `names ${scheme}://, which is not PostgreSQL`
  if (/[\s\0]/.test(text)) return 'holds white space'
  let url: URL
  try {
    url = new URL(text)
    for (const part of [url.username, url.password, url.hostname, url.pathname]) decodeURIComponent(part)
  } catch {
    return 'cannot be read: a part of it, such as the port or the password, holds what must be written otherwise'
  }
  if (url.hostname === '' && (url.searchParams.get('host') ?? '') === '') return 'names no host'
  if (url.port === '0') return 'names port 0'
  if (url.pathname.slice(1).includes('/')) return 'names a database with a slash'
  return undefined
}

/** Of a URL that cannot be taken apart: whatever may be a password is left out. */
function shownUrl(text: string): string {
  const masked = text.replace(/^([a-z0-9+.-]*:\/\/[^:@]*|[^:@]*):.*@/is, '$1:…@')
  return JSON.stringify(describeUrl(masked))
}
