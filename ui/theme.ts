import { readSetting, writeSetting } from './settings.ts'
import { createStore } from './store.ts'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = typeof THEMES[number]

const KEY = 'fmcp.theme'
const stored = () => THEMES.find(theme => theme === readSetting(KEY)) ?? 'system'

/** What the viewer chose; `system` follows the browser. */
export const theme = createStore<Theme>(stored())

export function setTheme (chosen: Theme): void {
  writeSetting(KEY, chosen === 'system' ? null : chosen)
  theme.set(chosen)
  applyTheme()
}

/** Shows what is chosen, from the first paint on. */
export function applyTheme (): void {
  if (theme.get() === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme.get()
}
