import { render } from 'preact'
import { App } from './app.tsx'
import { followAnswers, followedView } from './live/answers.ts'
import { followClickLag } from './live/click-lag.ts'
import { follow } from './live/connection.ts'
import { followLedgerMarks } from './live/ledger-marks.ts'
import { followKeys } from './state/keys.ts'
import { startPreferences } from './state/preferences.ts'
import { followHistory } from './state/view-state.ts'

const root = document.getElementById('app')
if (root !== null) render(<App />, root)
startPreferences()
followHistory()
followKeys()
follow(followedView)
followAnswers()
followLedgerMarks()
followClickLag()
