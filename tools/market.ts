import { Type } from 'typebox'
import { MarketStatusSchema } from '../schemas/market.ts'
import { NEW_YORK } from '../market/time.ts'
import { defineTool } from './define.ts'
import { closedUntil, MINUTE } from './freshness.ts'
import { MaxAgeSchema, pinnable } from './inputs.ts'
import { receiptOf } from './receipt.ts'

export const getMarketStatus = defineTool({
  name: 'get_market_status',
  title: 'Market status',
  description: 'Whether the US stock market is open now, its session, and when it next opens and closes. Crypto trades always.',
  input: Type.Object({ provider: pinnable('market_status'), max_age_seconds: MaxAgeSchema }, { additionalProperties: false }),
  output: MarketStatusSchema,
  ttl: (_, __, now) => closedUntil(now) ? MINUTE : 20,
  untrusted: ['holiday'],
  async fetch (_, call) {
    const answer = await call.route.one('market_status', {}, call)
    // What a provider leaves out, the exchange's calendar knows.
    const { next_open: nextOpen, next_close: nextClose, holiday } = call.clock
    const { data } = answer
    return {
      data: {
        ...data,
        next_open: data.next_open ?? nextOpen,
        next_close: data.next_close ?? nextClose,
        holiday: data.holiday ?? holiday
      },
      meta: { ...receiptOf(answer), time_zone: NEW_YORK }
    }
  },
  present: status => ({ data: status })
})
