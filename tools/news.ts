import { Type } from 'typebox'
import { resolveWindow } from '../market/window.ts'
import { NewsArticleSchema } from '../schemas/market.ts'
import { MINUTE } from './freshness.ts'
import { toInstruments } from './inputs.ts'
import { defineList } from './list.ts'
import { receiptOf } from './receipt.ts'

const COLUMNS = Object.keys(NewsArticleSchema.properties).filter(name => name !== 'id')

export const getNews = defineList({
  name: 'get_news',
  title: 'News',
  description: 'News, newest first: of up to 5 symbols, or of the market without symbols. Other people\'s words.',
  input: {
    symbols: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 5, examples: [['AAPL']] })),
    start: Type.Optional(Type.String({ description: 'YYYY-MM-DD or ISO instant' })),
    end: Type.Optional(Type.String()),
    lookback: Type.Optional(Type.String({ description: '6h, 7d' }))
  },
  capability: 'news',
  key: 'articles',
  row: NewsArticleSchema,
  columns: () => COLUMNS,
  limit: { usual: 10, most: 200 },
  format: 'records',
  untrusted: ['title', 'summary', 'author', 'source'],
  ttl: () => 2 * MINUTE,
  async fetch ({ symbols = [], start, end, lookback }, call) {
    const windowed = start !== undefined || end !== undefined || lookback !== undefined
    const window = windowed
      ? resolveWindow({ start, end, lookback: lookback ?? (start === undefined ? '7d' : undefined), timeframe: '1day', limit: 1 }, call.now)
      : {}
    const answer = await call.route.one('news', { instruments: toInstruments(symbols), limit: call.reach, ...window }, call)
    return { data: { rows: answer.data }, meta: receiptOf(answer) }
  }
})
