import type { MarketClock } from '../market/clock.ts'
import { toInstant } from '../market/time.ts'
import type { Meta } from '../schemas/receipt.ts'
import { estimateTokens } from './budget.ts'
import type { Fetched, Presented, Table, Tool } from './define.ts'
import { toFullText, toText } from './format.ts'
import { MAX_ROWS, toCursor, type Place } from './page.ts'

export interface Answer {
  /** The object that every transport answers. */
  structured: { data: unknown, meta: Meta }
  /** The answer's rows, where it has rows. */
  table: Table | undefined
  /** A compact text of it, cut where it is large. */
  readonly text: string
  /** The whole answer as text. */
  readonly fullText: string
}

/** One answer before it has its final size. */
export interface Draft {
  tool: Tool
  args: Record<string, unknown>
  fetched: Fetched<unknown>
  place: Place
  /** Hash of the call, for its cursors. */
  call: string
  cache: { hit: boolean, age_seconds: number, stored_at: number }
  now: Date
  clock: MarketClock
  /** Most tokens; null: any number. */
  budget: number | null
}

/** Cells up to which no answer can be over a budget: it need not be measured. */
const SMALL_CELLS = 150

/**
 * The answer within its budget: where the rows cost more, it has the first ones, a summary of all and the cursor to the
 * rest.
 */
export function toAnswer (draft: Draft): Answer {
  const { tool, args, fetched, place, budget } = draft
  let limit = place.limit
  let answer = answerWith(draft, limit)
  const cells = (answer.table?.rows.length ?? 0) * (answer.table?.columns.length ?? 0)
  if (budget === null || cells <= SMALL_CELLS) return answer
  let shown = tool.present(fetched.data, args, place).rows?.shown ?? 0
  for (let tokens = tokensOf(answer); tokens > budget && shown > 1; tokens = tokensOf(answer)) {
    limit = Math.max(1, Math.min(shown - 1, Math.floor(shown * budget / tokens * 0.97)))
    answer = answerWith(draft, limit, shown)
    shown = limit
  }
  return answer
}

/** What a model reads of it: the object and the text beside it. */
function tokensOf ({ structured, text }: Answer): number {
  return estimateTokens(text) + estimateTokens(JSON.stringify(structured))
}

/** @param cutFrom how many rows would have stood there without the budget */
function answerWith (draft: Draft, limit: number, cutFrom?: number): Answer {
  const { tool, args, fetched, place } = draft
  const presented = tool.present(fetched.data, args, { offset: place.offset, limit })
  const meta = metaOf(draft, presented, cutFrom === undefined ? undefined : limit)
  return {
    structured: { data: presented.data, meta },
    table: presented.table,
    // Made when read: REST needs neither text.
    get text () { return args['format'] === 'csv' ? this.fullText : toText(presented, meta, this.fullText) },
    get fullText () { return toFullText(presented, meta) }
  }
}

function metaOf (draft: Draft, presented: Presented, cutTo: number | undefined): Meta {
  const { tool, args, fetched: { data, meta: kept }, place, cache, now, clock, budget } = draft
  // Of all the rows that were asked for, not of those that fit.
  const summary = cutTo === undefined ? undefined : tool.present(data, args, place).summary?.()
  const cursor = nextCursor(draft, presented)
  const truncated = [
    cutTo !== undefined && `More than ${cutTo} rows do not fit into ${budget} tokens. Send next_cursor as cursor for the next ones, choose fields, or narrow the question.`,
    presented.truncated
  ].filter(Boolean).join(' ')
  return {
    ...kept,
    ...(kept.provider === 'sample' && { synthetic: true }),
    ...(tool.untrusted?.length && { untrusted_fields: [...tool.untrusted] }),
    ...(cursor && { next_cursor: cursor }),
    ...(truncated && { truncated }),
    ...(summary && { summary }),
    cache: { hit: cache.hit, age_seconds: cache.age_seconds },
    market: {
      session: clock.session,
      next_open: clock.next_open,
      now: toInstant(Math.floor(now.getTime() / 1000) * 1000)
    }
  }
}

/** Undefined where nothing can follow. */
function nextCursor ({ place, call, cache }: Draft, { rows }: Presented): string | undefined {
  const end = place.offset + (rows?.shown ?? 0)
  const follows = rows !== undefined && rows.fetched > end && end < MAX_ROWS
  return follows ? toCursor(end, place.anchor ?? cache.stored_at, call) : undefined
}
