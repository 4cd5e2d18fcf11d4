import type { VNode } from 'preact'
import { zoneInWords } from '../format/zones.ts'
import { chooseZone, view } from '../state/view-state.ts'

/** Zones every browser knows, this machine's first. */
const HERE = new Intl.DateTimeFormat().resolvedOptions().timeZone
const NEAR = [...new Set(['UTC', HERE])]
const ALL = Intl.supportedValuesOf('timeZone').filter((zone) => !NEAR.includes(zone))

/** The zone of all times, days and weeks. */
export function ZonePicker(): VNode | null {
  const state = view.value
  if (state === null) return null
  const near = NEAR.includes(state.zone) ? NEAR : [...NEAR, state.zone]
  return (
    <label class="pick" title="Time zone of all times, days and weeks">
      <select aria-label="Time zone" value={state.zone} onChange={(event) => chooseZone(event.currentTarget.value)}>
        {near.map((zone) => (
          <option key={zone} value={zone}>
            {zone === 'UTC' ? 'UTC' : zoneInWords(zone)}
          </option>
        ))}
        <optgroup label="All zones">
          {ALL.filter((zone) => zone !== state.zone).map((zone) => (
            <option key={zone} value={zone}>
              {zone}
            </option>
          ))}
        </optgroup>
      </select>
    </label>
  )
}
