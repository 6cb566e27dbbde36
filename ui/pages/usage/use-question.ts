import { useLocation, useSearch } from 'wouter'
import type { UsageQuery } from '../../api/types.ts'

export const RANGES = [['hour', 'Last hour'], ['day', 'Last day'], ['week', 'Last week']] as const

/** What is asked about, kept in the address: it can be gone back to, and sent to somebody. */
export function useQuestion (): [question: UsageQuery, ask: (question: UsageQuery) => void] {
  const [location, navigate] = useLocation()
  const known = new URLSearchParams(useSearch())
  const [range] = RANGES.find(([range]) => range === known.get('range')) ?? ['day' as const]
  const given = (['connection_id', 'session_id', 'tool'] as const).flatMap(name => {
    const value = known.get(name)
    return value ? [[name, value]] : []
  })
  const ask = (question: UsageQuery) => {
    const chosen = Object.entries(question).filter(([, value]) => value) as [string, string][]
    navigate(`${location}?${new URLSearchParams(chosen)}`, { replace: true })
  }
  return [{ range, ...Object.fromEntries(given) as Omit<UsageQuery, 'range'> }, ask]
}
