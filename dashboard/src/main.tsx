import { render } from 'preact'
import { App } from './app.tsx'
import { follow } from './live/connection.ts'
import { followSystemColours } from './live/theme.ts'

const root = document.getElementById('app')
if (root !== null) render(<App />, root)
followSystemColours()
follow()
