/**
 * Which fields the plan gives the events, and where a delivery keeps their values.
 *
 * L1  Every field of the plan is written. Those the original producers know get their values; any other text field
 *     gets values made from its name, so that a dimension added to a definition has something to show.
 * L2  A field of clicks that impressions have too (`user_id`) carries the impression's value.
 */
import type { FieldPlan, Plan, StreamPlan } from '../pipeline/plan.ts'
import type { TrafficSettings } from './settings.ts'
import { MoneyValues, TextValues } from './values.ts'

/** How a field's value is written; `slot` counts text and money fields each from 0. */
export type FieldRole =
  | { readonly kind: 'ownId' }
  | { readonly kind: 'impressionId' }
  | { readonly kind: 'time' }
  | { readonly kind: 'text'; readonly slot: number }
  | { readonly kind: 'money'; readonly slot: number }

export interface LayoutField {
  readonly name: string
  readonly role: FieldRole
}

export interface TrafficLayout {
  readonly impressions: readonly LayoutField[]
  readonly clicks: readonly LayoutField[]
  readonly textNames: readonly string[]
  readonly texts: readonly TextValues[]
  readonly moneyNames: readonly string[]
  readonly moneys: readonly MoneyValues[]
  /** Text slot of the campaign, which decides how often an impression is clicked; -1 where the plan has none. */
  readonly campaignSlot: number
}

/** The layout of a plan's events. */
export function layoutOf(plan: Plan, settings: TrafficSettings): TrafficLayout {
  const { impressions, clicks } = plan.streams
  const fields = [...impressions.fields, ...clicks.fields]
  const textNames = unique(
    [impressions, clicks].flatMap((stream) => stream.fields.filter((field) => isText(stream, field))),
  )
  const moneyNames = unique(fields.filter((field) => field.type === 'money'))
  const isHostile = settings.hostileNames > 0
  const place = (stream: StreamPlan): LayoutField[] =>
    stream.fields.map((field) => ({ name: field.name, role: roleOf(stream, field, textNames, moneyNames) }))
  const roles = textNames.map((name) => plan.dimensions.find((dimension) => dimension.field === name)?.name ?? name)
  return {
    impressions: place(impressions),
    clicks: place(clicks),
    textNames,
    texts: textNames.map((name, slot) => {
      const mayMiss = !fields.some((field) => field.name === name && field.required)
      return new TextValues(everydayTexts(name, roles[slot] ?? name, settings), { mayMiss, isHostile })
    }),
    moneyNames,
    moneys: moneyNames.map(() => new MoneyValues()),
    campaignSlot: textNames.findIndex((name, slot) => name === 'campaign_id' || roles[slot] === 'campaign_id'),
  }
}

/** Ids that name neither the event nor its impression are texts that are never missing. */
function isText(stream: StreamPlan, field: FieldPlan): boolean {
  if (field.type === 'text') return true
  return field.type === 'id' && field.name !== stream.idField && field.name !== stream.impressionIdField
}

function unique(fields: readonly FieldPlan[]): string[] {
  return [...new Set(fields.map((field) => field.name))]
}

function roleOf(
  stream: StreamPlan,
  field: FieldPlan,
  textNames: readonly string[],
  moneyNames: readonly string[],
): FieldRole {
  if (field.name === stream.idField) return { kind: 'ownId' }
  if (field.name === stream.impressionIdField) return { kind: 'impressionId' }
  if (field.type === 'time') return { kind: 'time' }
  if (field.type === 'money') return { kind: 'money', slot: moneyNames.indexOf(field.name) }
  return { kind: 'text', slot: textNames.indexOf(field.name) }
}

const DEVICES = ['mobile', 'desktop', 'tablet', 'tv']
const BROWSERS = ['chrome', 'safari', 'firefox', 'edge']
const COUNTRIES = ['US', 'DE', 'GB', 'FR', 'IN', 'BR', 'JP']

/** `role` is the name of the dimension read from the field, where there is one: a renamed field keeps its values. */
function everydayTexts(name: string, role: string, settings: TrafficSettings): readonly string[] {
  for (const known of [role, name]) {
    if (known === 'user_id') return numbered('user', settings.users)
    if (known === 'campaign_id') return numbered('camp', settings.campaigns)
    if (known === 'ad_id') return numbered('ad', settings.ads)
    if (known === 'device_type') return DEVICES.slice(0, settings.devices)
    if (known === 'browser') return BROWSERS
    if (known === 'country') return COUNTRIES
  }
  return numbered(name, 5)
}

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`)
}
