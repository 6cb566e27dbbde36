import type { Trial } from '../../../api/types.ts'

type Table = NonNullable<Trial['table']>

/** Values over the times of a chart; null where there is none. */
export interface Line {
  name: string
  values: (number | null)[]
}

export interface Candle { open: number, high: number, low: number, close: number, volume: number | null }

/** One series of an answer. */
export interface Chart {
  /** Empty where the answer is about one thing only. */
  symbol: string
  /** Days, or instants in ISO 8601; ascending, each once. */
  times: string[]
  candles: Candle[] | undefined
  lines: Line[]
}

const CANDLE = ['open', 'high', 'low', 'close'] as const

/** What of a table can be drawn over time, by symbol: nothing where its rows are no series of numbers. */
export function toCharts ({ columns, rows }: Table): Chart[] {
  const time = columns.findIndex(column => column === 'time' || column === 'date')
  const symbol = columns.indexOf('symbol')
  if (time < 0) return []
  const numbers = columns.map((_, i) => i).filter(i => i !== time && i !== symbol)
  const isSeries = rows.every(row => numbers.every(i => row[i] === null || typeof row[i] === 'number'))
  if (!isSeries || !numbers.length) return []
  const bySymbol = groupBy(rows, row => symbol < 0 ? '' : String(row[symbol]))
  return [...bySymbol].flatMap(([symbol, own]) => {
    const byTime = own.map((row): [string, unknown[]] => [String(row[time]), row])
    const sorted = new Map(byTime.toSorted(([a], [b]) => a < b ? -1 : 1))
    return sorted.size > 1 ? [toChart(symbol, columns, numbers, sorted)] : []
  })
}

function groupBy<T> (items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}

function toChart (symbol: string, columns: string[], numbers: number[], rows: Map<string, unknown[]>): Chart {
  const valuesOf = (i: number) => [...rows.values()].map(row => row[i] as number | null)
  const isCandles = CANDLE.every(name => columns.includes(name))
  const plain = numbers.filter(i => !isCandles || columns[i] === 'vwap')
  return {
    symbol,
    times: [...rows.keys()],
    candles: isCandles ? toCandles(columns, [...rows.values()]) : undefined,
    lines: plain.map(i => ({ name: columns[i]!, values: valuesOf(i) }))
  }
}

function toCandles (columns: string[], rows: unknown[][]): Candle[] {
  const places = [...CANDLE, 'volume'].map(name => columns.indexOf(name))
  return rows.map(row => {
    const [open, high, low, close, volume = null] = places.map(i => row[i] as number)
    return { open: open!, high: high!, low: low!, close: close!, volume }
  })
}

/** What is drawn over the prices; anything else has a scale of its own. */
const OVERLAY = /^(close|sma|ema|wma|vwap|bb_(upper|middle|lower))(_|$)/
/** What is drawn together, by the beginning of its name. */
const TOGETHER: [RegExp, string][] = [[/^macd/, 'macd'], [/^(adx|plus_di|minus_di)/, 'adx'], [/^stoch/, 'stoch']]

/** The lines by pane, those over the prices first. Where there is no price, all of them are together. */
export function toPanes (lines: readonly Line[], hasCandles: boolean): Line[][] {
  if (!hasCandles && !lines.some(({ name }) => name === 'close')) return [[...lines]]
  const panes = groupBy(lines, ({ name }) =>
    OVERLAY.test(name) ? '' : TOGETHER.find(([pattern]) => pattern.test(name))?.[1] ?? name)
  return [panes.get('') ?? [], ...[...panes].filter(([key]) => key !== '').map(([, own]) => own)]
}
