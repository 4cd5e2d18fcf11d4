import type { VNode } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { ClickLagAnswer } from '../../../src/query/raw-answer.ts'
import { formatCount, formatShare, NOTHING } from '../format/numbers.ts'
import { formatLength } from '../format/times.ts'
import { canAsk } from '../live/answers.ts'
import { clickLag, isLagShown, lagProblem } from '../live/click-lag.ts'
import { lagCurve, lagTicks } from '../model/lag-curve.ts'
import { Elsewhere } from './partition-name.tsx'

const WIDTH = 400
const HEIGHT = 150

/** How long clicks take, what the attribution window loses, and the window that would lose 1 %. */
export function ClickLag(): VNode | null {
  const answer = clickLag.value
  const section = useRef<HTMLElement>(null)
  useEffect(() => (section.current === null ? undefined : showOnceSeen(section.current)), [canAsk.value])
  if (canAsk.value !== true) return null
  return (
    <section ref={section} class="panel click-lag" aria-labelledby="title-lag">
      <div class="head">
        <h2 id="title-lag">Click lag</h2>
        <p class="sub">{answer === null ? 'how long clicks take' : countText(answer)}</p>
        <button
          type="button"
          class="quiet"
          aria-pressed={isLagShown.value}
          onClick={() => (isLagShown.value = !isLagShown.value)}
        >
          show<span class="hidden"> click lag</span>
        </button>
      </div>
      {isLagShown.value && lagProblem.value !== '' && <p role="alert">{lagProblem.value}</p>}
      {isLagShown.value && answer === null && lagProblem.value === '' && (
        <p role="status">Reading the journal: seconds, where much came in</p>
      )}
      {isLagShown.value && answer !== null && <Shown answer={answer} />}
    </section>
  )
}

/** Where its place is empty anyway it shows itself, but reads the journal only once somebody has come to it. */
function showOnceSeen(section: HTMLElement): (() => void) | undefined {
  if (!matchMedia('(min-width: 1440px)').matches) return undefined
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return
    observer.disconnect()
    isLagShown.value = true
  })
  observer.observe(section)
  return () => observer.disconnect()
}

function countText({ clicked, impressions, oneIn, range }: ClickLagAnswer): string {
  const part = oneIn > 1 ? `, one in ${formatCount(oneIn)} looked at` : ''
  const of = ` of ${formatLength(range.endMs - range.startMs)}`
  return `${formatCount(clicked)} clicks on ${formatCount(impressions)} impressions${of}${part}`
}

function Shown({ answer }: { answer: ClickLagAnswer }): VNode {
  return (
    <>
      <Elsewhere partitions={answer.elsewhere} />
      {answer.clicked > 0 && (
        <>
          <Curve answer={answer} />
          <InWords answer={answer} />
          <Table answer={answer} />
        </>
      )}
      {answer.clicked === 0 && answer.elsewhere.length === 0 && (
        <p class="sub">No click in the range has had time to come.</p>
      )}
    </>
  )
}

function Curve({ answer }: { answer: ClickLagAnswer }): VNode {
  const { points, xOf } = lagCurve(answer)
  const line = points.map(({ x, y }) => `${(x * WIDTH).toFixed(1)},${((1 - y) * HEIGHT).toFixed(1)}`).join('L')
  const mark = xOf(answer.attributionWindowMs) * WIDTH
  return (
    <>
      <div class="lag-box">
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label="Share of clicks by lag"
        >
          <path class="lag-wash" d={`M0,${HEIGHT}L${line}L${WIDTH},${HEIGHT}Z`} />
          <path class="lag-curve" d={`M${line}`} />
          <line class="lag-mark" x1={mark} x2={mark} y1={0} y2={HEIGHT} />
        </svg>
      </div>
      <p class="lag-ticks" aria-hidden="true">
        {lagTicks(answer).map(({ text, x }) => (
          <span key={text} style={{ left: `${(100 * x).toFixed(1)}%` }}>
            {text}
          </span>
        ))}
      </p>
    </>
  )
}

function InWords({ answer }: { answer: ClickLagAnswer }): VNode {
  const { medianMs, lostShare, attributionWindowMs, windowForOnePercentMs, seenUpToMs } = answer
  return (
    <p>
      Half of the clicks come within <b>{medianMs === null ? NOTHING : formatLength(medianMs)}</b>. With{' '}
      {formatLength(attributionWindowMs)} you lose <b>{lostShare === null ? NOTHING : formatShare(lostShare, 1)}</b>
      {windowForOnePercentMs === null ? '' : `; ${formatLength(windowForOnePercentMs)} would lose 1 %`}.{' '}
      <span class="sub">Later than {formatLength(seenUpToMs)} no click is seen at all.</span>
    </p>
  )
}

function Table({ answer }: { answer: ClickLagAnswer }): VNode {
  return (
    <details>
      <summary class="sub">as a table</summary>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Click lag, table">
        <table>
          <thead>
            <tr>
              <th scope="col">Lag</th>
              <th scope="col" class="n">
                Clicks
              </th>
            </tr>
          </thead>
          <tbody>
            {answer.buckets
              .filter(({ clicks }) => clicks > 0)
              .map(({ fromMs, toMs, clicks }) => (
                <tr key={fromMs}>
                  <th scope="row">{fromMs < 0 ? 'before it' : `${formatLength(fromMs)} to ${formatLength(toMs)}`}</th>
                  <td class="n">{formatCount(clicks)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </details>
  )
}
