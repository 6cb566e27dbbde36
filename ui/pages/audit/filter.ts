import type { AuditQuery, Connection } from '../../api/types.ts'

/** What narrows the log: it stands in the address, so that it can be kept and handed on. */
export type AuditFilter = Pick<AuditQuery,
  'action' | 'actor' | 'target' | 'outcome' | 'connection_id' | 'session_id' | 'since' | 'until'>

const NAMES = ['action', 'actor', 'target', 'outcome', 'connection_id', 'session_id', 'since', 'until'] as const

export function readFilter (search: string): AuditFilter {
  const values = new URLSearchParams(search)
  return Object.fromEntries(NAMES.flatMap(name => values.get(name) ? [[name, values.get(name)]] : []))
}

export const writeFilter = (filter: AuditFilter): string =>
  new URLSearchParams(Object.entries(filter).filter(([, value]) => value)).toString()

/** What the form's fields ask for; its times are in the viewer's zone. */
export function toFilter (values: Record<string, string>): AuditFilter {
  const texts = NAMES.flatMap(name => {
    const value = values[name]?.trim()
    if (!value) return []
    return [[name, name === 'since' || name === 'until' ? new Date(value).toISOString() : value]]
  })
  return Object.fromEntries(texts)
}

/** An instant as a field for date and time takes it, in the viewer's zone. */
export function toLocal (instant: string | undefined): string {
  const date = new Date(instant ?? NaN)
  if (Number.isNaN(date.getTime())) return ''
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

export const nameOfConnection = (connections: Connection[], id: string | null): string | null =>
  id && (connections.find(connection => connection.id === id)?.name ?? id)
