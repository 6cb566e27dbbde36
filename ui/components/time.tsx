import { useNow } from '../hooks/use-now.ts'

const ABSOLUTE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const PRECISE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const UNITS = [['day', 86_400], ['hour', 3600], ['minute', 60]] as const
const TICK_MS = 10_000

export interface TimeProps {
  /** An instant, ISO 8601. */
  at: string
  /** As long ago as it is. */
  relative?: boolean
  /** To the second. */
  precise?: boolean
}

/** An instant in the viewer's zone; in UTC when it is pointed at. */
export function Time ({ at, relative = false, precise = false }: TimeProps) {
  const date = new Date(at)
  return (
    <time dateTime={at} title={`${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`}>
      {relative ? <Relative ms={date.getTime()} /> : (precise ? PRECISE : ABSOLUTE).format(date)}
    </time>
  )
}

function Relative ({ ms }: { ms: number }) {
  return toRelative(ms, useNow(TICK_MS))
}

function toRelative (ms: number, now: number): string {
  const seconds = Math.round((ms - now) / 1000)
  if (Math.abs(seconds) < 10) return 'just now'
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1]
  // What was an hour and a half ago was an hour ago; what ends in a moment less than ninety days ends in ninety.
  return RELATIVE.format(seconds < 0 ? Math.trunc(seconds / size) : Math.round(seconds / size), unit)
}
