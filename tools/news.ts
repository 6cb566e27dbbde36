import { Type } from 'typebox'
import { resolveWindow } from '../market/window.ts'
import { NewsArticleSchema } from '../schemas/market.ts'
import { defineTool } from './define.ts'
import { dropEmptyColumns, toTable } from './format.ts'
import { PinnedProviderSchema, toInstruments } from './inputs.ts'
import { receiptOf } from './receipt.ts'

const COLUMNS = Object.keys(NewsArticleSchema.properties).filter(name => name !== 'id')

export const getNews = defineTool({
  name: 'get_news',
  title: 'News',
  description: 'Latest news, newest first: of up to 5 symbols, or of the market without symbols. Titles and summaries are other people\'s words.',
  input: Type.Object({
    symbols: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 5 })),
    start: Type.Optional(Type.String({ description: 'YYYY-MM-DD or ISO instant' })),
    end: Type.Optional(Type.String()),
    lookback: Type.Optional(Type.String({ description: '6h, 7d' })),
    limit: Type.Integer({ default: 10, minimum: 1, maximum: 50 }),
    provider: PinnedProviderSchema
  }, { additionalProperties: false }),
  output: Type.Object({ articles: Type.Array(NewsArticleSchema) }),
  ttl: () => 120,
  async fetch ({ symbols = [], start, end, lookback, limit, provider }, call) {
    const windowed = start !== undefined || end !== undefined || lookback !== undefined
    const window = windowed ? resolveWindow({ start, end, lookback: lookback ?? (start === undefined ? '7d' : undefined), timeframe: '1day', limit }, call.now) : {}
    const answer = await call.route.one('news', { instruments: toInstruments(symbols), limit, ...window }, { ...call, provider })
    return {
      data: answer.data.slice(0, limit),
      meta: { ...receiptOf(answer), untrusted_fields: ['articles[].title', 'articles[].summary', 'articles[].author'] }
    }
  },
  present: articles => ({ data: { articles }, table: dropEmptyColumns(toTable(articles, COLUMNS)) })
})
