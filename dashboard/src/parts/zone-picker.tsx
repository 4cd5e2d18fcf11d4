import type { VNode } from 'preact'
import { zoneInWords } from '../format/zones.ts'
import { chooseZone, view } from '../state/view-state.ts'
import { PickList } from './pick-list.tsx'

/** Zones every browser knows, this machine's first. */
const HERE = new Intl.DateTimeFormat().resolvedOptions().timeZone
const NEAR = [...new Set(['UTC', HERE])]
const ALL = Intl.supportedValuesOf('timeZone').filter((zone) => !NEAR.includes(zone))

/** The zone of all times, days and weeks. */
export function ZonePicker(): VNode | null {
  const state = view.value
  if (state === null) return null
  if (state.isKiosk) return <span class="chip">{zoneInWords(state.zone)}</span>
  const near = NEAR.includes(state.zone) ? NEAR : [...NEAR, state.zone]
  return (
    <PickList
      label="Time zone"
      title="Time zone of all times, days and weeks"
      value={state.zone}
      options={near.map((zone) => ({ value: zone, text: zone === 'UTC' ? 'UTC' : zoneInWords(zone) }))}
      onPick={chooseZone}
    >
      <optgroup label="All zones">
        {ALL.filter((zone) => zone !== state.zone).map((zone) => (
          <option key={zone} value={zone}>
            {zone}
          </option>
        ))}
      </optgroup>
    </PickList>
  )
}
