/** Instants, trading days and the zone between them. Days are `YYYY-MM-DD`, instants ISO 8601 UTC. */

export const NEW_YORK = 'America/New_York'
export const DAY_MS = 86_400_000

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf (zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit'
    })
    formats.set(zone, format)
  }
  return format
}

/** The wall clock of a zone at an instant: `YYYY-MM-DD HH:MM:SS`. */
export function wallClock (at: Date, zone: string): string {
  const parts = Object.fromEntries(formatOf(zone).formatToParts(at).map(({ type, value }) => [type, value]))
  return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}:${parts.second}`
}

/** The calendar day of a zone at an instant. */
export function dayIn (zone: string, at: Date): string {
  return wallClock(at, zone).slice(0, 10)
}

/**
 * The instant at which a zone's wall clock shows a time. Of the hour that a clock change repeats, the first; of the
 * hour it skips, the same minute after the change.
 * @param clock `YYYY-MM-DD` (midnight) or `YYYY-MM-DD HH:MM[:SS]`, with a space or a `T`
 */
export function instantAt (clock: string, zone: string): Date {
  const asUtc = Date.parse(clock.length === 10 ? `${clock}T00:00:00Z` : `${clock.replace(' ', 'T')}Z`)
  const offsetAt = (ms: number) => Date.parse(`${wallClock(new Date(ms), zone).replace(' ', 'T')}Z`) - ms
  const first = asUtc - offsetAt(asUtc - DAY_MS)
  if (first + offsetAt(first) === asUtc) return new Date(first)
  const second = asUtc - offsetAt(asUtc + DAY_MS)
  return new Date(second + offsetAt(second) === asUtc ? second : first)
}

/** Calendar arithmetic on days, free of zones. */
export function addDays (day: string, count: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + count * DAY_MS).toISOString().slice(0, 10)
}

/** 0 is Sunday. */
export function weekdayOf (day: string): number {
  return new Date(`${day}T00:00:00Z`).getUTCDay()
}

/** The Monday of a day's week. */
export function mondayOf (day: string): string {
  return addDays(day, -((weekdayOf(day) + 6) % 7))
}

/** The first day of a day's month. */
export function monthOf (day: string): string {
  return `${day.slice(0, 7)}-01`
}

/** An instant without milliseconds where they are zero: `2026-11-20T21:00:00Z`. */
export function toInstant (at: Date | number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z')
}
