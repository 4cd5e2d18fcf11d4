/**
 * Installs the dashboard of a plan in a running Superset, in place of what an earlier import made of it.
 */
import { connectionFile, packBundle } from '../bundle.ts'
import type { DataConnection } from '../connection.ts'
import { dashboardSlug } from '../dashboard.ts'
import type { Plan } from '../../pipeline/plan.ts'
import { SupersetSession, type SupersetLogin } from './session.ts'

/** How much of each kind Superset holds, of whatever origin. */
export type SupersetCounts = Readonly<Record<'databases' | 'datasets' | 'charts' | 'dashboards', number>>

export interface InstalledDashboard {
  readonly url: string
  readonly counts: SupersetCounts
}

/**
 * Imports the bundle, with the password of its connection.
 *
 * @throws TidemarkError SUPERSET_UNAVAILABLE, SUPERSET_REFUSED
 */
export async function installBundle(
  login: SupersetLogin,
  plan: Plan,
  connection: DataConnection,
  password: string,
): Promise<InstalledDashboard> {
  const session = await SupersetSession.open(login)
  const form = new FormData()
  const bundle = packBundle(plan, connection)
  form.append('bundle', new Blob([Uint8Array.from(bundle)], { type: 'application/zip' }), 'tidemark.zip')
  form.append('passwords', JSON.stringify({ [connectionFile(plan)]: password }))
  await session.post('/api/v1/assets/import/', form)
  return {
    url: `${login.url}/superset/dashboard/${dashboardSlug(plan.name)}/`,
    counts: await countThings(session),
  }
}

async function countThings(session: SupersetSession): Promise<SupersetCounts> {
  const count = async (kind: string): Promise<number> => {
    const { count: found } = (await session.get(`/api/v1/${kind}/?q=(page_size:1)`)) as { readonly count: number }
    return found
  }
  return {
    databases: await count('database'),
    datasets: await count('dataset'),
    charts: await count('chart'),
    dashboards: await count('dashboard'),
  }
}
