/** Figures as they are read; a dash where there is none. */
const NONE = '–'

export const toCount = (value: number): string => value.toLocaleString()

export const toShare = (value: number | null): string =>
  value === null ? NONE : value.toLocaleString(undefined, { style: 'percent', maximumFractionDigits: value > 0.995 && value < 1 ? 1 : 0 })

/** @param ms a time */
export function toTime (ms: number | null): string {
  if (ms === null) return NONE
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toLocaleString(undefined, { maximumFractionDigits: 1 })} s`
}

const COMPACT = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 })
/** Of a large count: `12.3K`. */
export const toShort = (value: number | null): string => value === null ? NONE : COMPACT.format(value)
