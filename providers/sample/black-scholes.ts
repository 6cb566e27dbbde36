/** European options after Black, Scholes and Merton, on an underlying with a continuous yield. */

export interface OptionQuestion {
  type: 'call' | 'put'
  spot: number
  strike: number
  /** Until it expires; above 0. */
  years: number
  /** Fractions a year: 0.04 is 4 %. */
  volatility: number
  rate: number
  dividendYield: number
}

/** Theta is a calendar day, vega and rho are a percentage point: as market data are quoted. */
export interface OptionValue {
  price: number
  delta: number
  gamma: number
  theta: number
  vega: number
  rho: number
}

export function valueOption (question: OptionQuestion): OptionValue {
  const { type, spot, strike, years, volatility, rate, dividendYield } = question
  const sign = type === 'call' ? 1 : -1
  const deviation = volatility * Math.sqrt(years)
  const d1 = (Math.log(spot / strike) + (rate - dividendYield + volatility ** 2 / 2) * years) / deviation
  const d2 = d1 - deviation
  const grownSpot = spot * Math.exp(-dividendYield * years)
  const presentStrike = strike * Math.exp(-rate * years)
  const density = Math.exp(-(d1 ** 2) / 2) / Math.sqrt(2 * Math.PI)
  const spotPart = sign * grownSpot * normal(sign * d1)
  const strikePart = sign * presentStrike * normal(sign * d2)
  const decay = -grownSpot * density * volatility / (2 * Math.sqrt(years))
  return {
    price: spotPart - strikePart,
    delta: spotPart / spot,
    gamma: grownSpot / spot * density / (spot * deviation),
    theta: (decay - rate * strikePart + dividendYield * spotPart) / 365,
    vega: grownSpot * density * Math.sqrt(years) / 100,
    rho: years * strikePart / 100
  }
}

const NUMERATOR = [
  0.0352624965998911, 0.700383064443688, 6.37396220353165, 33.912866078383, 112.079291497871, 221.213596169931,
  220.206867912376
]
const DENOMINATOR = [
  0.0883883476483184, 1.75566716318264, 16.064177579207, 86.7807322029461, 296.564248779674, 637.333633378831,
  793.826512519948, 440.413735824752
]

/** The normal distribution up to x, to double precision (Hart's approximation, after West, "Better approximations"). */
export function normal (x: number): number {
  const z = Math.abs(x)
  const polynomial = (terms: number[]) => terms.reduce((sum, term) => sum * z + term)
  const tail = z < 7.07106781186547
    ? Math.exp(-(z ** 2) / 2) * polynomial(NUMERATOR) / polynomial(DENOMINATOR)
    : Math.exp(-(z ** 2) / 2) / (z + 1 / (z + 2 / (z + 3 / (z + 4 / (z + 0.65))))) / Math.sqrt(2 * Math.PI)
  return x > 0 ? 1 - tail : tail
}
