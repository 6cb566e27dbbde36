/** The viewer's own settings, in this browser alone. A browser that keeps nothing is served too. */
export function readSetting (key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

/** @param value null: as if it had never been set */
export function writeSetting (key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key)
    else localStorage.setItem(key, value)
  } catch { /* it holds until the page is loaded anew */ }
}
