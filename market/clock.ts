import { closingOf, isTradingDay, tradingDayFrom } from './calendar.ts'
import { addDays, dayIn, instantAt, NEW_YORK, toInstant } from './time.ts'

export type Session = 'pre' | 'regular' | 'post' | 'closed'

export interface MarketClock {
  session: Session
  /** Start of the next regular session, or of the one after that while one is open. */
  next_open: string
  /** End of the regular session that is open or next. */
  next_close: string
  /** Name of today's holiday or early close. */
  holiday: string | null
}

/** Today's sessions in New York, in order: 04:00 pre, 09:30 regular, 16:00 post (13:00 on early closes), 20:00 end. */
function hoursOf (day: string) {
  const early = closingOf(day)?.kind === 'early_close'
  const at = (clock: string) => instantAt(`${day} ${clock}`, NEW_YORK)
  return { pre: at('04:00'), open: at('09:30'), close: at(early ? '13:00' : '16:00'), end: at(early ? '17:00' : '20:00') }
}

let last: { minute: number, clock: MarketClock } | undefined

/** The US stock market's state at an instant, from the calendar alone: no provider is asked. */
export function marketClock (now: Date): MarketClock {
  // Days and sessions begin on whole minutes, and every call asks for the one that runs.
  const minute = Math.floor(now.getTime() / 60_000)
  if (last?.minute !== minute) last = { minute, clock: clockAt(now) }
  return { ...last.clock }
}

function clockAt (now: Date): MarketClock {
  const today = dayIn(NEW_YORK, now)
  const holiday = closingOf(today)?.name ?? null
  if (isTradingDay(today)) {
    const { pre, open, close, end } = hoursOf(today)
    if (now < close) {
      const nextDay = tradingDayFrom(addDays(today, 1), 1)
      const isOpen = now >= open
      return {
        session: isOpen ? 'regular' : now >= pre ? 'pre' : 'closed',
        next_open: toInstant(isOpen ? hoursOf(nextDay).open : open),
        next_close: toInstant(close),
        holiday
      }
    }
    return { ...upcoming(addDays(today, 1)), session: now < end ? 'post' : 'closed', holiday }
  }
  return { ...upcoming(addDays(today, 1)), session: 'closed', holiday }
}

function upcoming (day: string): Pick<MarketClock, 'next_open' | 'next_close'> {
  const { open, close } = hoursOf(tradingDayFrom(day, 1))
  return { next_open: toInstant(open), next_close: toInstant(close) }
}
