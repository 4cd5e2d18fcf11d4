import type { VNode } from 'preact'
import type { BoardPlan, PagePlan } from '../../src/pipeline/page.ts'
import type { PageData } from '../../src/server/page-data.ts'
import { data, link, page, status } from './live/store.ts'
import { Board } from './parts/board.tsx'
import { ChartPanel } from './parts/chart-panel.tsx'
import { DatabaseBanner } from './parts/database-banner.tsx'
import { Footer } from './parts/footer.tsx'
import { Header } from './parts/header.tsx'
import { Ledger } from './parts/ledger.tsx'
import { Tiles } from './parts/tiles.tsx'

/** The whole page. */
export function App(): VNode {
  const plan = page.value
  const values = data.value
  const isStale = link.value.state === 'stale'
  return (
    <div class={`sheet ${isStale ? 'is-stale' : ''}`}>
      <Header page={plan} />
      {plan === null || values === null ? <Loading /> : <Sheet page={plan} data={values} />}
    </div>
  )
}

function isCharted({ charts }: PagePlan, { dimension }: BoardPlan): boolean {
  return charts.some((chart) => chart.dimension?.name === dimension.name)
}

function Loading(): VNode {
  return (
    <main class="loading">
      <p>Waiting for the first numbers</p>
    </main>
  )
}

function Sheet({ page: plan, data: values }: { page: PagePlan; data: PageData }): VNode {
  const now = status.value
  const [main, ...small] = plan.charts
  return (
    <>
      <main>
        {now !== null && <DatabaseBanner status={now} />}
        <Tiles page={plan} data={values} />
        {now !== null && <Ledger status={now} />}
        <div class="grid">
          <div class="charts">
            {main !== undefined && <ChartPanel key={main.id} page={plan} chart={main} data={values} />}
            <div class="row2">
              {small.map((chart) => (
                <ChartPanel key={chart.id} page={plan} chart={chart} data={values} />
              ))}
            </div>
          </div>
          <div class="boards">
            {plan.boards.map((board) => {
              const rows = values.boards[board.dimension.name]
              return rows === undefined ? null : (
                <Board key={board.dimension.name} board={board} data={rows} isCharted={isCharted(plan, board)} />
              )
            })}
          </div>
        </div>
      </main>
      {now !== null && <Footer page={plan} status={now} />}
    </>
  )
}
