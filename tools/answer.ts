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
  cache: { hit: boolean, age_seconds: number, stored_at: number, stale?: string }
  /** Of the providers that were asked for it. */
  quota?: Meta['quota']
  now: Date
  clock: MarketClock
  /** Most tokens; null: any number. */
  budget: number | null
}

/**
 * The answer within its budget: where the rows cost more, it has the first ones, a summary of all and the cursor to the
 * rest. What has no rows, or one, is sent as it is.
 */
export function toAnswer (draft: Draft): Answer {
  const { tool, args, fetched, place, budget } = draft
  const whole = tool.present(fetched.data, args, place)
  let answer = answerOf(draft, whole)
  if (budget === null || !whole.rows || fitsSurely(whole, budget)) return answer
  let { shown } = whole.rows
  for (let tokens = tokensOf(answer); tokens > budget && shown > 1; tokens = tokensOf(answer)) {
    shown = Math.max(1, Math.min(shown - 1, Math.floor(shown * budget / tokens * 0.97)))
    const part = tool.present(fetched.data, args, { offset: place.offset, limit: shown })
    // The summary is of all the rows that were asked for, not of those that fit.
    answer = answerOf(draft, part, { shown, summary: whole.summary?.() })
  }
  return answer
}

/** A cell's name and marks, in characters. */
const CELL_OVERHEAD = 24
/** The receipt and the header, in characters. */
const FRAME = 1000

/** Whether the answer need not be measured: no text has more than a token a character, and it is sent at most twice. */
function fitsSurely ({ table }: Presented, budget: number): boolean {
  let characters = FRAME
  for (const row of table?.rows ?? []) {
    for (const value of row) characters += CELL_OVERHEAD + (typeof value === 'string' ? value.length : 12)
    if (2 * characters > budget) return false
  }
  return table !== undefined
}

/** What a model reads of it: the object and the text beside it. */
function tokensOf ({ structured, text }: Answer): number {
  return estimateTokens(text) + estimateTokens(JSON.stringify(structured))
}

/** Rows that the budget left, and what it says of all of them. */
interface Cut { shown: number, summary: Record<string, unknown> | undefined }

function answerOf (draft: Draft, presented: Presented, cut?: Cut): Answer {
  const meta = metaOf(draft, presented, cut)
  const isCsv = draft.args['format'] === 'csv'
  return {
    structured: { data: presented.data, meta },
    table: presented.table,
    // Made when read: REST needs neither text.
    get text () { return isCsv ? this.fullText : toText(presented, meta, this.fullText) },
    get fullText () { return toFullText(presented, meta) }
  }
}

function metaOf (draft: Draft, presented: Presented, cut: Cut | undefined): Meta {
  const { tool, fetched: { meta: kept }, cache, quota, now, clock, budget } = draft
  const cursor = nextCursor(draft, presented)
  const truncated = [
    cut && `More than ${cut.shown} rows do not fit into ${budget} tokens. Send next_cursor as cursor for the next ones, choose fields, or narrow the question.`,
    presented.truncated
  ].filter(Boolean).join(' ')
  return {
    ...kept,
    ...(kept.provider === 'sample' && { synthetic: true }),
    ...(tool.untrusted?.length && { untrusted_fields: [...tool.untrusted] }),
    ...(cursor && { next_cursor: cursor }),
    ...(truncated && { truncated }),
    ...(cut?.summary && { summary: cut.summary }),
    cache: { hit: cache.hit, age_seconds: cache.age_seconds, ...(cache.stale !== undefined && { stale: cache.stale }) },
    ...(quota && { quota }),
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
