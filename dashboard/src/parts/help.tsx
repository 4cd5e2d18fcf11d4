import type { Signal } from '@preact/signals'
import type { VNode } from 'preact'
import { KEY_GROUPS } from '../state/keys.ts'
import { isCalm, isHighContrast } from '../state/preferences.ts'
import { Window } from './window.tsx'

/** The keys, what the mouse does, and what this machine remembers. */
export function Help(): VNode {
  return (
    <Window kind="help" title="Keys and settings">
      <div class="keys">
        {KEY_GROUPS.map(({ title, actions }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {actions.map(({ label, text }) => (
                <div key={label}>
                  <dt>
                    <kbd>{label}</kbd>
                  </dt>
                  <dd>{text}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p class="sub">
        Drag over a chart to zoom in, click twice to zoom out. Click a member to see it alone, with Alt to leave it out.
        In a chart ← and → read it window by window, and Enter opens the events behind a window.
      </p>
      <div class="settings">
        <Choice signal={isHighContrast} text="High contrast" />
        <Choice signal={isCalm} text="Less motion" />
      </div>
    </Window>
  )
}

function Choice({ signal, text }: { signal: Signal<boolean>; text: string }): VNode {
  return (
    <label>
      <input
        type="checkbox"
        checked={signal.value}
        onChange={(event) => (signal.value = event.currentTarget.checked)}
      />{' '}
      {text}
    </label>
  )
}
