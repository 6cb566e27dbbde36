import { createRoot } from 'react-dom/client'
import { auth } from './api/auth.ts'
import { queries } from './api/queries.ts'
import { queryClient } from './api/query-client.ts'
import { App } from './app.tsx'
import './styles/index.css'
import { applyTheme } from './theme.ts'

applyTheme()

// What nearly every page begins with is on its way while React starts, which takes longer.
if (auth.get() === 'in') {
  queryClient.prefetchQuery(queries.admin())
  queryClient.prefetchQuery(queries.connections())
}

const root = document.getElementById('root')
if (root) createRoot(root).render(<App />)
