const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

/** 1,234,567 as "1.2 MB". */
export function toSize (bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  return new Intl.NumberFormat(undefined, { style: 'unit', unit: UNITS[power], maximumFractionDigits: power ? 1 : 0 })
    .format(bytes / 1000 ** power)
}

const PARTS = [[86_400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']] as const

/** 93784 as "1 day 2 hours". */
export function toDuration (seconds: number): string {
  const found: string[] = []
  let left = seconds
  for (const [size, unit] of PARTS) {
    const count = Math.floor(left / size)
    left -= count * size
    if (count && found.length < 2) found.push(`${count} ${unit}${count === 1 ? '' : 's'}`)
  }
  return found.join(' ') || 'less than a second'
}

export const toPercent = (ratio: number): string =>
  ratio.toLocaleString(undefined, { style: 'percent', maximumFractionDigits: 1 })
