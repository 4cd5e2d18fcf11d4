import type { VNode } from 'preact'
import type { PagePlan } from '../../src/pipeline/page.ts'
import { isWaiting, trouble, waitsLong } from './live/answers.ts'
import { link, page, status } from './live/store.ts'
import { isAdmin, isLimited } from './live/viewer.ts'
import { Boards } from './parts/boards.tsx'
import { ChartPanel } from './parts/chart-panel.tsx'
import { AnswerBanner, DatabaseBanner, LimitedNote, StillBanner, StoppedBanner, StrayBanner } from './parts/banners.tsx'
import { FirstEvent } from './parts/first-event.tsx'
import { ClickLag } from './parts/click-lag.tsx'
import { FilterBar } from './parts/filter-bar.tsx'
import { Footer } from './parts/footer.tsx'
import { Header } from './parts/header.tsx'
import { Ledger } from './parts/ledger.tsx'
import { Overlays } from './parts/overlays.tsx'
import { Sources } from './parts/sources.tsx'
import { Tiles } from './parts/tiles.tsx'
import { whatIsEmpty } from './model/finality.ts'
import { highestMs } from './model/progress.ts'
import type { Screen } from './model/screen.ts'
import { notice } from './state/overlay.ts'
import { screen } from './state/shown.ts'
import { view } from './state/view-state.ts'

/** The whole page. */
export function App(): VNode {
  const plan = page.value
  const shown = screen.value
  const classes = [
    'sheet',
    ...(link.value.state === 'stale' ? ['is-stale'] : []),
    ...(isWaiting.value ? ['is-waiting'] : []),
    ...(waitsLong.value ? ['is-still'] : []),
    ...(view.value?.isKiosk === true ? ['is-kiosk'] : []),
  ]
  return (
    <div class={classes.join(' ')}>
      <Header page={plan} />
      {plan === null || shown === null ? <Loading /> : <Sheet page={plan} screen={shown} />}
      <Overlays />
      <p class={`notice-line ${notice.value === '' ? '' : 'is-shown'}`} role="status">
        {notice.value}
      </p>
    </div>
  )
}

function Loading(): VNode {
  const problem = trouble.value
  const { reason } = link.value
  return (
    <main class="loading">
      {problem !== null && <AnswerBanner trouble={problem} />}
      {problem === null && <p>{reason === '' ? 'Waiting for the first numbers' : reason}</p>}
    </main>
  )
}

function Sheet({ page: plan, screen: shown }: { page: PagePlan; screen: Screen }): VNode {
  const now = status.value
  const problem = trouble.value
  const isStale = link.value.state === 'stale'
  const isLong = waitsLong.value
  const isEmpty =
    now !== null &&
    !isLimited.value &&
    now.intake.state !== 'none' &&
    now.partitions.every(({ eventsRead }) => eventsRead === 0)
  return (
    <>
      <main>
        {isStale && <StoppedBanner reason={link.value.reason} />}
        {now !== null && !isStale && <DatabaseBanner status={now} />}
        {problem !== null && !isStale && !isLong && now?.database.state !== 'down' && (
          <AnswerBanner trouble={problem} />
        )}
        {isLong && <StillBanner isStale={isStale} />}
        <StrayBanner />
        {isLimited.value && <LimitedNote page={plan} />}
        <FilterBar page={plan} />
        {isEmpty && <FirstEvent />}
        <Tiles page={plan} screen={shown} />
        {now !== null && !isLimited.value && <Ledger status={now} zone={shown.zone} />}
        <div class="grid">
          <Charts page={plan} screen={shown} />
          <Boards page={plan} screen={shown} />
        </div>
        {now !== null && !isLimited.value && (
          <div class="below">
            <Sources page={plan} status={now} zone={shown.zone} />
            {isAdmin.value && now.source === 'engine' && <ClickLag />}
          </div>
        )}
      </main>
      {now !== null && <Footer page={plan} status={now} screen={shown} isStale={isStale} />}
    </>
  )
}

function Charts({ page: plan, screen: shown }: { page: PagePlan; screen: Screen }): VNode {
  const state = view.value
  const newestMs = status.value === null || isLimited.value ? undefined : highestMs(status.value.partitions)
  const empty = state === null ? undefined : whatIsEmpty(shown, state, newestMs)
  const panels = plan.charts.map(({ id, title }, index) => {
    const model = shown.charts.find((chart) => chart.plan.id === id)
    const dimension = model?.plan.dimension?.name
    const memberCount = shown.boards.find((board) => board.plan.dimension.name === dimension)?.memberCount ?? 0
    const isAnswer = shown.source === 'tables'
    return (
      <ChartPanel
        key={id}
        id={id}
        title={model?.plan.title ?? title}
        model={model}
        memberCount={memberCount}
        empty={index === 0 || empty === undefined ? empty : ''}
        isAnswer={isAnswer}
        canDrill={isAnswer && isAdmin.value}
        index={index}
      />
    )
  })
  return (
    <div class="charts">
      {panels[0]}
      <div class="row2">{panels.slice(1)}</div>
    </div>
  )
}
