import { Type } from 'typebox'
import { problem } from '../errors.ts'
import { addDays } from '../market/time.ts'
import { daysOf, type DayRules, type Days } from '../market/window.ts'
import { MOVER_LISTS, MoverSchema, OptionContractSchema, OptionTypeSchema } from '../schemas/trading.ts'
import { closedUntil, MINUTE } from './freshness.ts'
import { StockSchema, toInstrumentOf } from './inputs.ts'
import { defineList } from './list.ts'
import { receiptOf } from './receipt.ts'

export const getMarketMovers = defineList({
  name: 'get_market_movers',
  title: 'Market movers',
  description: 'Today\'s gainers, losers or most active US stocks, or crypto pairs; the last session\'s while the market is closed. At most 100. ' +
    'For symbols of your own use get_quote.',
  input: {
    list: Type.Enum([...MOVER_LISTS], { default: 'gainers', examples: ['losers'] }),
    asset_class: Type.Enum(['stock', 'crypto'], { default: 'stock' })
  },
  capability: 'market_movers',
  key: 'movers',
  row: MoverSchema,
  header: { list: Type.Enum([...MOVER_LISTS]), asset_class: Type.Enum(['stock', 'crypto']) },
  limit: { usual: 10, most: 100 },
  untrusted: ['name'],
  ttl: ({ asset_class: assetClass }, _, now) => (assetClass === 'stock' && closedUntil(now)) || 30,
  async fetch ({ list, asset_class: assetClass }, call) {
    const answer = await call.route.one('market_movers', { list, asset_class: assetClass, limit: call.reach }, call)
    return { data: { rows: answer.data, header: { list, asset_class: assetClass } }, meta: receiptOf(answer) }
  }
})

/** Far months double the rows and are seldom asked. */
const NEXT_EXPIRATIONS: DayRules = {
  usual: today => ({ from: today, to: addDays(today, 45) }), names: ['expiration_from', 'expiration_to']
}

export const getOptionsChain = defineList({
  name: 'get_options_chain',
  title: 'Options chain',
  description: 'Option contracts of a stock, by expiration and strike; expirations of the next 45 days unless said otherwise. ' +
    'A chain has thousands of rows: narrow it by type, expiration, strikes. `fields` adds contract, greeks.',
  input: {
    symbol: StockSchema,
    type: Type.Optional(OptionTypeSchema),
    expiration: Type.Optional(Type.String({ description: 'YYYY-MM-DD' })),
    expiration_from: Type.Optional(Type.String()),
    expiration_to: Type.Optional(Type.String()),
    strike_min: Type.Optional(Type.Number({ minimum: 0 })),
    strike_max: Type.Optional(Type.Number({ minimum: 0 }))
  },
  capability: 'options_chain',
  key: 'contracts',
  row: OptionContractSchema,
  header: {
    underlying: Type.String(),
    type: Type.Optional(OptionTypeSchema),
    expiration: Type.Optional(Type.String()),
    expiration_from: Type.Optional(Type.String()),
    expiration_to: Type.Optional(Type.String())
  },
  lean: ['expiration', 'strike', 'type', 'bid', 'ask', 'last', 'volume', 'open_interest', 'implied_volatility', 'delta'],
  limit: { usual: 40, most: 250 },
  ttl: (_, { session }, now) => closedUntil(now) ?? (session === 'regular' ? 15 : 5 * MINUTE),
  async fetch (args, call) {
    const { symbol, type, strike_min: min, strike_max: max, expiration } = args
    const underlying = toInstrumentOf(symbol, 'an underlying of options', ['stock', 'index'])
    if (min !== undefined && max !== undefined && min > max) {
      throw problem('INVALID_INPUT', `strike_max (${max}) is below strike_min (${min}). Swap them, or send one of them.`)
    }
    const { from, to } = expirationsOf(args, call.now)
    const filters = {
      ...(type && { type }),
      ...(min !== undefined && { strike_min: min }),
      ...(max !== undefined && { strike_max: max })
    }
    const wanted = { underlying, expiration_from: from, expiration_to: to, ...filters, limit: call.reach }
    const answer = await call.route.one('options_chain', wanted, call)
    const isNarrowed = [expiration, args.expiration_from, args.expiration_to, ...Object.values(filters)].some(Boolean)
    // No provider tells a symbol that it does not know from a window without contracts.
    if (!answer.data.length && !isNarrowed) {
      throw problem('SYMBOL_NOT_FOUND', `${answer.provider} knows no options of ${symbol} that expire from ${from} to ${to}.`,
        { provider: answer.provider })
    }
    const window = expiration === undefined ? { expiration_from: from, expiration_to: to } : { expiration: from }
    const header = { underlying: underlying.symbol, ...(type && { type }), ...window }
    return { data: { rows: answer.data, header }, meta: receiptOf(answer) }
  }
})

interface Expirations {
  expiration?: string | undefined
  expiration_from?: string | undefined
  expiration_to?: string | undefined
}

/** @throws INVALID_INPUT */
function expirationsOf ({ expiration, expiration_from: start, expiration_to: end }: Expirations, now: Date): Days {
  if (expiration === undefined) return daysOf({ start, end }, NEXT_EXPIRATIONS, now)
  if (start !== undefined || end !== undefined) {
    throw problem('INVALID_INPUT', 'Send expiration for one day, or expiration_from and expiration_to for several, not both.')
  }
  return daysOf({ start: expiration, end: expiration }, { ...NEXT_EXPIRATIONS, names: ['expiration', 'expiration'] }, now)
}
