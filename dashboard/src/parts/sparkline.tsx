import type { VNode } from 'preact'

const WIDTH = 200
const HEIGHT = 28

/** The shape of a measure over the range, from its lowest to its highest value. Says nothing that the tile does not. */
export function Sparkline({ values }: { values: readonly (number | null)[] }): VNode {
  const points = pointsOf(values)
  const line = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join('L')
  const first = points[0]
  const last = points.at(-1)
  const area = first === undefined || last === undefined ? '' : `M${line}L${last[0]},${HEIGHT}L${first[0]},${HEIGHT}Z`
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="wash" d={area} />
      <path class="line" d={line === '' ? '' : `M${line}`} />
    </svg>
  )
}

function pointsOf(values: readonly (number | null)[]): readonly (readonly [number, number])[] {
  const known = values.filter((value) => value !== null)
  const low = Math.min(...known)
  const span = Math.max(...known) - low
  const step = WIDTH / Math.max(1, values.length - 1)
  return values.flatMap((value, index) => {
    if (value === null) return []
    const height = span === 0 ? 0.5 : (value - low) / span
    return [[index * step, HEIGHT - 3 - height * (HEIGHT - 6)] as const]
  })
}
