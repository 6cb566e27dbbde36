const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const MONTH = new Intl.DateTimeFormat(undefined, { month: 'short', year: 'numeric' })

export const isDay = (time: string) => !time.includes('T')

/** A day as it is; an instant in the viewer's zone. */
export const formatTime = (time: string): string => isDay(time) ? time : WHOLE.format(new Date(time))

/** An instant at a tick of the axis, in the viewer's zone. @param weight 0 year, 1 month, 2 day, above it a time */
export function formatTick (seconds: number, weight: number): string {
  const format = weight < 2 ? MONTH : weight === 2 ? DAY : CLOCK
  return format.format(new Date(seconds * 1000))
}
