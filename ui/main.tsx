import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import './styles/index.css'
import { applyTheme } from './theme.ts'

applyTheme()
// A newer build took this one's files away: the new one is loaded.
window.addEventListener('vite:preloadError', () => location.reload())

const root = document.getElementById('root')
if (root) createRoot(root).render(<App />)
