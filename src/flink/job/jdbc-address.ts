/**
 * A database as Flink's JDBC connector is told of it.
 */
import type { FlinkSettings } from '../settings.ts'

/** The same server, user and password as in `postgresql://…`. */
export function jdbcAddress(databaseUrl: string): Pick<FlinkSettings, 'jdbcUrl' | 'username' | 'password'> {
  const { hostname, port, pathname, username, password } = new URL(databaseUrl)
  return {
    jdbcUrl: `jdbc:postgresql://${hostname}:${port === '' ? '5432' : port}${pathname}`,
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
  }
}

/** The way back: an URL for clients of PostgreSQL. */
export function databaseAddress({
  jdbcUrl,
  username,
  password,
}: Pick<FlinkSettings, 'jdbcUrl' | 'username' | 'password'>): string {
  const login = [username, password].map(encodeURIComponent).join(':')
  return `postgresql://${login}@${jdbcUrl.slice('jdbc:postgresql://'.length)}`
}
