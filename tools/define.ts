import type { Static, TObject, TSchema } from 'typebox'
import type { MarketClock } from '../market/clock.ts'
import type { ProviderRouter, RouteCall } from '../providers/router.ts'
import type { Meta } from '../schemas/receipt.ts'
import type { Usage } from '../schemas/usage.ts'
import type { Freshness } from './freshness.ts'
import type { Page } from './page.ts'

/** Rows under named columns: what CSV, the columnar form and the text are made of. */
export interface Table {
  columns: string[]
  rows: unknown[][]
}

/** One call's world, as a tool sees it. */
export interface ToolCall extends RouteCall {
  route: ProviderRouter
  clock: MarketClock
  /** How many rows are worth fetching: those of the page, and those before it. */
  reach: number
  /** What the session has used and what its providers have left. */
  usage: () => Promise<Usage>
}

/** What is fetched and cached; `present` shapes it for the caller. */
export interface Fetched<D> {
  data: D
  meta: Pick<Meta, 'provider' | 'as_of' | 'tried'> & Partial<Meta>
  /** False: a part is missing that may be there a moment later. */
  cacheable?: boolean
  /** Seconds for which this very answer holds, where that is less than its tool says. */
  fresh_seconds?: number
}

export interface Presented {
  /** `data` of the answer, after the output schema. */
  data: unknown
  /** The rows of the answer, where it has rows: for CSV and for the text. */
  table?: Table
  /** What the rows are, for the text: they do not say it themselves. */
  caption?: string
  /** Rows on this page, and how many were fetched; of several series, those of the longest. */
  rows?: { shown: number, fetched: number }
  /** Where rows were left out that the caller may think are there: how to get them. */
  truncated?: string
  /** All fetched rows in a few numbers: made where the rows do not fit into the answer. */
  summary?: () => Record<string, unknown>
}

export interface ToolDefinition<I extends TObject = TObject, D = unknown> {
  /** `verb_noun`. */
  name: string
  title: string
  /** For the model: what it answers, its limits, which tool to use instead. */
  description: string
  input: I
  /** Schema of `data` in the answer. */
  output: TSchema
  /** For how long, or until when, an answer holds. */
  ttl: (args: Static<I>, clock: MarketClock, now: Date) => Freshness
  /** Arguments that shape the answer only: calls that differ in nothing else share a cache entry. */
  presentation?: readonly string[]
  /** Present: the tool takes `limit` and `cursor`. Says how many rows to fetch where so many are needed. */
  reach?: (needed: number) => number
  /** What `fields` may name. */
  columns?: (args: Static<I>) => readonly string[]
  /** Fields whose text is other people's. */
  untrusted?: readonly string[]
  /** `args` come without those of `presentation`: what they say is in `call.reach`. */
  fetch: (args: Static<I>, call: ToolCall) => Promise<Fetched<D>>
  /** Pure. `page` is where the caller stands in the rows. */
  present: (data: D, args: Static<I>, page: Page) => Presented
}

/** A tool whose types are forgotten, as the catalogue lists it. */
export type Tool = ToolDefinition<TObject, any>

/** States a tool: the MCP tool, the REST route, the OpenAPI entry and the form follow from it. */
export function defineTool<I extends TObject, D> (definition: ToolDefinition<I, D>): ToolDefinition<I, D> {
  return definition
}
