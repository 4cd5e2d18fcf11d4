/**
 * The plan as a dashboard for Apache Superset: a bundle of files that any of its importers takes.
 *
 * S1  Equal plans and connections give equal bundles, byte for byte.
 * S2  Everything has an identity that follows from the pipeline's name: importing again updates and adds nothing.
 * S3  No dimension, measure or table is named here that the plan does not name.
 */
import { strToU8, zipSync } from 'fflate'
import { stringify } from 'yaml'
import type { Plan } from '../pipeline/plan.ts'
import { chartDocument } from './charts.ts'
import { sqlalchemyUri, type DataConnection } from './connection.ts'
import { dashboardDocument, dashboardTitle } from './dashboard.ts'
import { planDashboard } from './dashboard-plan.ts'
import { databaseUuid, datasetDocuments } from './datasets.ts'

/** A file of a bundle: its path within the bundle and its text. */
export type BundleFile = readonly [path: string, text: string]

/** A statement that takes longer than this would still be running when the next refresh asks it again. */
const STATEMENT_TIMEOUT_MS = 15_000

/** Under which file the connection stands, which is how importers are told its password. */
export function connectionFile(plan: Plan): string {
  return `databases/${plan.name}.yaml`
}

/** All files of the bundle, in the order in which they are packed. */
export function bundleFiles(plan: Plan, connection: DataConnection): readonly BundleFile[] {
  const dashboard = planDashboard(plan)
  const { windowSizeMs } = plan.parameters
  const documents: readonly (readonly [string, object])[] = [
    // Without a `type`, so that the importer of assets and that of dashboards both take it.
    ['metadata.yaml', { version: '1.0.0', timestamp: '2026-01-01T00:00:00+00:00' }],
    [connectionFile(plan), databaseDocument(plan, connection)],
    ...datasetDocuments(plan).map(([table, document]) => [`datasets/${plan.name}/${table}.yaml`, document] as const),
    ...dashboard.charts.map(
      (chart) => [`charts/${chart.id}.yaml`, chartDocument(plan.name, chart, windowSizeMs)] as const,
    ),
    [`dashboards/${plan.name}.yaml`, dashboardDocument(plan.name, dashboard)],
  ]
  // Superset reads YAML 1.1, where `on` and `12:30` are no texts.
  return documents.map(([path, document]) => [path, stringify(document, { version: '1.1', lineWidth: 0 })])
}

/** The bundle as a ZIP file. Importers drop the first part of each path, so there has to be one. */
export function packBundle(plan: Plan, connection: DataConnection): Uint8Array {
  const files = bundleFiles(plan, connection).map(([path, text]) => [`tidemark_${plan.name}/${path}`, strToU8(text)])
  // A ZIP file holds local times: said in parts, they are the same in every time zone.
  return zipSync(Object.fromEntries(files) as Record<string, Uint8Array>, { mtime: new Date(2026, 0, 1, 12), level: 9 })
}

function databaseDocument(plan: Plan, connection: DataConnection): object {
  return {
    database_name: dashboardTitle(plan.name),
    sqlalchemy_uri: sqlalchemyUri(connection),
    cache_timeout: null,
    expose_in_sqllab: true,
    allow_run_async: false,
    allow_ctas: false,
    allow_cvas: false,
    allow_dml: false,
    allow_file_upload: false,
    extra: {
      allows_virtual_table_explore: true,
      metadata_params: {},
      engine_params: {
        connect_args: {
          options: `-c timezone=UTC -c statement_timeout=${STATEMENT_TIMEOUT_MS}`,
          application_name: 'superset',
        },
      },
    },
    uuid: databaseUuid(plan.name),
    version: '1.0.0',
  }
}
