/**
 * The charts in Superset's words.
 *
 * V1  Every chart filters by time through the same entry, without which the time filter does not reach it.
 * V2  Members beyond the largest are not drawn; nothing is dropped from a total.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../time/units.ts'
import type { DashboardChart } from './dashboard-plan.ts'
import { uuidOf } from './uuid.ts'

/** Lines, areas and slices that can still be told apart. */
const MAX_MEMBERS = 12
const MAX_RANKED = 100

/** Superset's grains with the length of each. */
const GRAINS: readonly (readonly [grain: string, lengthMs: number])[] = [
  ['P1D', DAY_MS],
  ['PT1H', HOUR_MS],
  ['PT30M', 30 * MINUTE_MS],
  ['PT15M', 15 * MINUTE_MS],
  ['PT10M', 10 * MINUTE_MS],
  ['PT5M', 5 * MINUTE_MS],
  ['PT1M', MINUTE_MS],
  ['PT30S', 30_000],
  ['PT5S', 5_000],
  ['PT1S', 1_000],
]

type Params = Readonly<Record<string, unknown>>

/** A chart as a document of the bundle. */
export function chartDocument(pipeline: string, chart: DashboardChart, windowSizeMs: number): Params {
  const [vizType, params] = paramsOf(chart, grainOf(windowSizeMs))
  return {
    slice_name: chart.title,
    description: chart.description,
    viz_type: vizType,
    params: { viz_type: vizType, ...params, adhoc_filters: [TIME_FILTER], extra_form_data: {} },
    query_context: null,
    cache_timeout: null,
    uuid: chartUuid(pipeline, chart.id),
    version: '1.0.0',
    dataset_uuid: datasetUuid(pipeline, chart.table.name),
  }
}

/** The identity of a chart. */
export function chartUuid(pipeline: string, id: string): string {
  return uuidOf(pipeline, 'chart', id)
}

/** The identity of the dataset over a table. */
export function datasetUuid(pipeline: string, table: string): string {
  return uuidOf(pipeline, 'dataset', table)
}

/** The longest grain of which a window is a whole number, so that no two windows are drawn as one; null for none. */
export function grainOf(windowSizeMs: number): string | null {
  return GRAINS.find(([, lengthMs]) => windowSizeMs % lengthMs === 0)?.[0] ?? null
}

function timeFormat(grain: string | null): string {
  if (grain === 'P1D') return '%Y-%m-%d'
  return grain?.endsWith('S') === true || grain === null ? '%H:%M:%S' : '%H:%M'
}

const TIME_FILTER = {
  clause: 'WHERE',
  comparator: 'No filter',
  expressionType: 'SIMPLE',
  operator: 'TEMPORAL_RANGE',
  subject: 'window_start',
}

const DRAWING: Readonly<
  Record<DashboardChart['kind'], (chart: DashboardChart, grain: string | null) => [string, Params]>
> = {
  lines: (chart, grain) => ['echarts_timeseries_line', { ...series(chart, grain), ...LINES }],
  bars: (chart, grain) => ['echarts_timeseries_bar', { ...series(chart, grain), ...STACK, orientation: 'vertical' }],
  areas: (chart, grain) => ['echarts_area', { ...series(chart, grain), ...LINES, ...STACK, opacity: 0.5 }],
  number: (chart) => ['big_number_total', { ...tile(chart), time_format: 'smart_date' }],
  trend: (chart, grain) => ['big_number', { ...tile(chart), ...trend(grain) }],
  share: (chart) => ['pie', share(chart)],
  ranking: (chart) => ['table', ranking(chart)],
}

function paramsOf(chart: DashboardChart, grain: string | null): [string, Params] {
  return DRAWING[chart.kind](chart, grain)
}

const LINES = { seriesType: 'line', markerEnabled: false, markerSize: 6 }
const STACK = { stack: 'Stack', showTooltipTotal: true }

function series({ dimension, metrics, rankBy }: DashboardChart, grain: string | null): Params {
  return {
    x_axis: 'window_start',
    time_grain_sqla: grain,
    x_axis_sort_asc: true,
    metrics: metrics.map(({ name }) => name),
    groupby: dimension === null ? [] : [dimension.name],
    limit: MAX_MEMBERS,
    timeseries_limit_metric: rankBy.name,
    order_desc: true,
    row_limit: 50_000,
    truncate_metric: true,
    show_empty_columns: true,
    comparison_type: 'values',
    annotation_layers: [],
    color_scheme: 'supersetColors',
    only_total: true,
    show_legend: dimension !== null,
    legendType: 'scroll',
    legendOrientation: 'top',
    sort_series_type: 'name',
    sort_series_ascending: true,
    x_axis_time_format: timeFormat(grain),
    x_axis_title: '',
    x_axis_title_margin: 0,
    truncateXAxis: true,
    rich_tooltip: true,
    tooltipSortByMetric: true,
    tooltipTimeFormat: '%Y-%m-%d %H:%M:%S',
    y_axis_format: metrics[0]?.format ?? 'SMART_NUMBER',
    y_axis_title: '',
    y_axis_title_margin: 0,
    y_axis_title_position: 'Left',
    y_axis_bounds: [null, null],
  }
}

function tile({ metrics, rankBy }: DashboardChart): Params {
  return {
    metric: rankBy.name,
    header_font_size: 0.4,
    subtitle_font_size: 0.15,
    y_axis_format: metrics[0]?.format ?? 'SMART_NUMBER',
  }
}

function trend(grain: string | null): Params {
  return {
    x_axis: 'window_start',
    time_grain_sqla: grain,
    aggregation: 'sum',
    show_trend_line: true,
    start_y_axis_at_zero: true,
    show_timestamp: false,
    subheader_font_size: 0.15,
    color_picker: { r: 0, g: 122, b: 135, a: 1 },
    time_format: timeFormat(grain),
    rolling_type: 'None',
  }
}

function share({ dimension, rankBy }: DashboardChart): Params {
  return {
    groupby: dimension === null ? [] : [dimension.name],
    metric: rankBy.name,
    row_limit: MAX_MEMBERS,
    sort_by_metric: true,
    color_scheme: 'supersetColors',
    show_labels_threshold: 3,
    show_legend: true,
    legendType: 'scroll',
    legendOrientation: 'top',
    // The legend has the names, and long ones would be cut off beside a ring.
    label_type: 'percent',
    number_format: rankBy.format,
    date_format: 'smart_date',
    show_labels: true,
    labels_outside: true,
    label_line: false,
    show_total: false,
    outerRadius: 70,
    donut: true,
    innerRadius: 40,
  }
}

function ranking({ dimension, metrics, rankBy }: DashboardChart): Params {
  return {
    query_mode: 'aggregate',
    groupby: dimension === null ? [] : [dimension.name],
    metrics: metrics.map(({ name }) => name),
    all_columns: [],
    percent_metrics: [],
    temporal_columns_lookup: { window_start: true },
    timeseries_limit_metric: rankBy.name,
    order_by_cols: [],
    order_desc: true,
    row_limit: MAX_RANKED,
    server_pagination: false,
    table_timestamp_format: 'smart_date',
    show_cell_bars: true,
    color_pn: false,
    show_totals: false,
    include_search: false,
    column_config: Object.fromEntries(
      metrics.map(({ name, format }) => [name, { d3NumberFormat: format, showCellBars: name === rankBy.name }]),
    ),
    conditional_formatting: [],
  }
}
