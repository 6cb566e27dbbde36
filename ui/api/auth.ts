import { readSetting, writeSetting } from '../settings.ts'
import { createStore } from '../store.ts'

/**
 * `in`: the browser is believed to hold a login. Otherwise how it came out: `ended` by the server, by time or in
 * another tab; `left` by its own logout; `never`.
 */
export type AuthState = 'in' | 'ended' | 'left' | 'never'

// The cookie is not to be seen from here, so that it was set is noted: nobody asks for what would be refused.
const KEY = 'fmcp.logged-in'

export const auth = createStore<AuthState>(readSetting(KEY) ? 'in' : 'never')

export function logIn (): void {
  writeSetting(KEY, new Date().toISOString())
  auth.set('in')
}

export function logOut (how: 'ended' | 'left'): void {
  writeSetting(KEY, null)
  if (auth.get() === 'in') auth.set(how)
}

// Other tabs of this browser.
window.addEventListener('storage', ({ key, newValue }) => {
  if (key !== KEY && key !== null) return
  if (newValue) auth.set('in')
  else logOut('ended')
})
