import { render } from 'preact'
import { follow } from './live/connection.ts'
import { StatusPage } from './parts/status-page.tsx'
import { startPreferences } from './state/preferences.ts'

const root = document.getElementById('app')
if (root !== null) render(<StatusPage />, root)
startPreferences()
follow()
