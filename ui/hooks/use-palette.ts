import { useMemo, useSyncExternalStore } from 'react'
import { theme } from '../theme.ts'

const DARK = window.matchMedia('(prefers-color-scheme: dark)')

function subscribe (listener: () => void): () => void {
  const end = theme.subscribe(listener)
  DARK.addEventListener('change', listener)
  return () => {
    end()
    DARK.removeEventListener('change', listener)
  }
}

const look = () => `${theme.get()} ${DARK.matches}`

/**
 * Colours of styles/tokens.css as a canvas understands them, anew when the theme changes.
 * @param names the same list at every call: `['text', 'line']`
 */
export function usePalette<Name extends string> (names: readonly Name[]): Record<Name, string> {
  const shown = useSyncExternalStore(subscribe, look)
  return useMemo(() => readColours(names, shown), [names, shown])
}

function readColours<Name extends string> (names: readonly Name[], _theme: string): Record<Name, string> {
  const probe = document.body.appendChild(document.createElement('span'))
  const colours = names.map(name => {
    probe.style.color = `var(--${name})`
    return [name, getComputedStyle(probe).color]
  })
  probe.remove()
  return Object.fromEntries(colours)
}
