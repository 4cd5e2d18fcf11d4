/**
 * The dashboard in Superset's words: where the charts stand, what filters them, how often they are asked anew.
 */
import { MINUTE_MS } from '../time/units.ts'
import { chartUuid, datasetUuid } from './charts.ts'
import type { ChartKind, DashboardChart, DashboardPlan } from './dashboard-plan.ts'
import { uuidOf } from './uuid.ts'

const REFRESH_SECONDS = 10
/** A row of Superset's grid. */
const COLUMNS = 12

/** Rows of charts with the width and height each would like, in Superset's units. */
const ROWS: readonly (readonly (readonly [kind: ChartKind, width: number, height: number])[])[] = [
  [
    ['number', 3, 34],
    ['trend', 5, 34],
    ['share', 4, 34],
  ],
  [['lines', 12, 48]],
  [
    ['bars', 6, 44],
    ['areas', 6, 44],
  ],
  [['ranking', 12, 54]],
]

type Document = Readonly<Record<string, unknown>>

/** The last part of the dashboard's address. */
export function dashboardSlug(pipeline: string): string {
  return `tidemark-${pipeline}`
}

/** What the dashboard is called. */
export function dashboardTitle(pipeline: string): string {
  return `Tidemark ${pipeline}`
}

/** The dashboard as a document of the bundle. */
export function dashboardDocument(pipeline: string, dashboard: DashboardPlan): Document {
  return {
    dashboard_title: dashboardTitle(pipeline),
    description: 'Made from the plan; importing it again overwrites what is changed here.',
    css: '',
    slug: dashboardSlug(pipeline),
    published: true,
    certified_by: '',
    certification_details: '',
    uuid: uuidOf(pipeline, 'dashboard'),
    position: position(pipeline, dashboard.charts),
    metadata: metadata(pipeline, dashboard),
    version: '1.0.0',
  }
}

function position(pipeline: string, charts: readonly DashboardChart[]): Document {
  const rows = ROWS.flatMap((row) => {
    const items = row.flatMap(([kind, width, height]) => {
      const chart = charts.find((candidate) => candidate.kind === kind)
      return chart === undefined ? [] : [{ chart, width, height }]
    })
    return items.length === 0 ? [] : [fillRow(items)]
  })
  const nodes = rows.flatMap((items, index) => rowNodes(pipeline, charts, items, `ROW-${index + 1}`))
  return {
    DASHBOARD_VERSION_KEY: 'v2',
    ROOT_ID: { type: 'ROOT', id: 'ROOT_ID', children: ['GRID_ID'] },
    HEADER_ID: { type: 'HEADER', id: 'HEADER_ID', meta: { text: dashboardTitle(pipeline) } },
    GRID_ID: {
      type: 'GRID',
      id: 'GRID_ID',
      parents: ['ROOT_ID'],
      children: rows.map((_, index) => `ROW-${index + 1}`),
    },
    ...Object.fromEntries(nodes),
  }
}

interface Item {
  readonly chart: DashboardChart
  readonly width: number
  readonly height: number
}

/** Where a chart is missing, the last one of the row takes its room. */
function fillRow(items: readonly Item[]): readonly Item[] {
  const missing = COLUMNS - items.reduce((sum, { width }) => sum + width, 0)
  return items.map((item, index) => (index === items.length - 1 ? { ...item, width: item.width + missing } : item))
}

function rowNodes(
  pipeline: string,
  charts: readonly DashboardChart[],
  items: readonly Item[],
  row: string,
): readonly (readonly [id: string, node: Document])[] {
  const parents = ['ROOT_ID', 'GRID_ID']
  const node = (id: string): string => `CHART-${id}`
  const meta = { background: 'BACKGROUND_TRANSPARENT' }
  return [
    [row, { type: 'ROW', id: row, parents, children: items.map(({ chart }) => node(chart.id)), meta }],
    ...items.map(({ chart, width, height }): readonly [string, Document] => [
      node(chart.id),
      {
        type: 'CHART',
        id: node(chart.id),
        children: [],
        parents: [...parents, row],
        meta: {
          chartId: chartNumber(charts, chart),
          width,
          height,
          sliceName: chart.title,
          uuid: chartUuid(pipeline, chart.id),
        },
      },
    ]),
  ]
}

/** A number within the bundle, which Superset replaces by its own. */
function chartNumber(charts: readonly DashboardChart[], chart: DashboardChart): number {
  return charts.indexOf(chart) + 1
}

function metadata(pipeline: string, { charts, filter, rangeMs }: DashboardPlan): Document {
  const range = `DATEADD(DATETIME("now"), -${rangeText(rangeMs)}) : now`
  return {
    refresh_frequency: REFRESH_SECONDS,
    // Spreading the charts over the interval makes it half as long again.
    stagger_refresh: false,
    timed_refresh_immune_slices: [],
    color_scheme: 'supersetColors',
    label_colors: {},
    shared_label_colors: [],
    expanded_slices: {},
    default_filters: '{}',
    cross_filters_enabled: false,
    chart_configuration: {},
    global_chart_configuration: { scope: { rootPath: ['ROOT_ID'], excluded: [] }, chartsInScope: [] },
    filter_bar_orientation: 'HORIZONTAL',
    native_filter_configuration: [
      {
        ...filterDocument('time', 'filter_time', 'Time range'),
        targets: [{}],
        controlValues: { enableEmptyFilter: false },
        defaultDataMask: { extraFormData: { time_range: range }, filterState: { value: range }, ownState: {} },
        scope: { rootPath: ['ROOT_ID'], excluded: [] },
      },
      ...(filter === null ? [] : [memberFilter(pipeline, charts, filter)]),
    ],
  }
}

function memberFilter(
  pipeline: string,
  charts: readonly DashboardChart[],
  { dimension, table }: NonNullable<DashboardPlan['filter']>,
): Document {
  const outside = charts.filter((chart) => !chart.table.dimensions.includes(dimension.name))
  return {
    ...filterDocument('member', 'filter_select', dimension.label),
    targets: [{ datasetUuid: datasetUuid(pipeline, table.name), column: { name: dimension.name } }],
    controlValues: {
      multiSelect: true,
      enableEmptyFilter: false,
      defaultToFirstItem: false,
      inverseSelection: false,
      searchAllOptions: true,
      sortAscending: true,
    },
    defaultDataMask: { extraFormData: {}, filterState: {}, ownState: {} },
    scope: { rootPath: ['ROOT_ID'], excluded: outside.map((chart) => chartNumber(charts, chart)) },
  }
}

function filterDocument(id: string, filterType: string, name: string): Document {
  return { id: `NATIVE_FILTER-${id}`, type: 'NATIVE_FILTER', filterType, name, description: '', cascadeParentIds: [] }
}

function rangeText(rangeMs: number): string {
  return rangeMs % MINUTE_MS === 0 ? `${rangeMs / MINUTE_MS}, minute` : `${Math.ceil(rangeMs / 1_000)}, second`
}
