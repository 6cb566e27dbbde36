import { median } from './statistics.ts'

export interface ProviderValue { provider: string, value: number | null }

export interface Consensus {
  /** Of the values there are; null where there is none. */
  median: number | null
  /** The highest less the lowest, in percent of the median; null for a median of 0 between unlike values. */
  spread_percent: number | null
  /**
   * `agree`: all lie within the tolerance of the median. `outlier`: all but the named ones. `disagree`: they differ,
   * and nobody can be said to be wrong, as with two. `single`, `none`: there is nothing to compare.
   */
  verdict: 'agree' | 'outlier' | 'disagree' | 'single' | 'none'
  outliers: string[]
  /** By provider. */
  values: { provider: string, value: number, deviation_percent: number | null, outlier: boolean }[]
  /** Providers without a value. */
  missing: string[]
}

export interface AgreementOptions {
  /** How far from the median a value may lie, in percent of it. */
  tolerancePercent?: number
  /** How many robust standard deviations from the median make an outlier, beyond the tolerance. */
  k?: number
}

/** The median absolute deviation times this estimates the standard deviation of a normal distribution. */
const MAD_SCALE = 1.4826

/** What several providers say of one number, whatever the order they answered in. */
export function agree (
  values: readonly ProviderValue[],
  { tolerancePercent = 0.5, k = 3.5 }: AgreementOptions = {}
): Consensus {
  const sorted = values.toSorted((a, b) => a.provider < b.provider ? -1 : a.provider > b.provider ? 1 : 0)
  const given = sorted.flatMap(({ provider, value }) => isNumber(value) ? [{ provider, value }] : [])
  const missing = sorted.filter(({ value }) => !isNumber(value)).map(({ provider }) => provider)
  const numbers = given.map(({ value }) => value)
  if (!numbers.length) return { median: null, spread_percent: null, verdict: 'none', outliers: [], values: [], missing }

  const middle = median(numbers)
  const toPercent = (distance: number) => distance === 0 ? 0 : middle === 0 ? null : distance / Math.abs(middle) * 100
  const tolerance = Math.abs(middle) * tolerancePercent / 100
  const robust = k * MAD_SCALE * median(numbers.map(value => Math.abs(value - middle)))
  const isOff = (value: number) => numbers.length > 2 && Math.abs(value - middle) > Math.max(robust, tolerance)
  const rest = numbers.filter(value => !isOff(value))
  const together = rest.every(value => Math.abs(value - middle) <= tolerance)
  const outliers = given.filter(({ value }) => isOff(value)).map(({ provider }) => provider)
  return {
    median: middle,
    spread_percent: toPercent(Math.max(...numbers) - Math.min(...numbers)),
    verdict: numbers.length === 1 ? 'single' : !together ? 'disagree' : outliers.length ? 'outlier' : 'agree',
    outliers,
    values: given.map(({ provider, value }) =>
      ({ provider, value, deviation_percent: toPercent(value - middle), outlier: isOff(value) })),
    missing
  }
}

function isNumber (value: number | null): value is number {
  return value !== null && Number.isFinite(value)
}
