import type { Static, TObject, TSchema } from 'typebox'
import type { MarketClock } from '../market/clock.ts'
import type { ProviderRouter, RouteCall } from '../providers/router.ts'
import type { Meta } from '../schemas/receipt.ts'

/** Rows under named columns: what CSV, the columnar form and the text are made of. */
export interface Table {
  columns: string[]
  rows: unknown[][]
}

/** One call's world, as a tool sees it. */
export interface ToolCall extends RouteCall {
  route: ProviderRouter
  clock: MarketClock
}

/** What is fetched and cached; `presented` shapes it for the caller. */
export interface Fetched<D> {
  data: D
  meta: Pick<Meta, 'provider' | 'as_of' | 'tried'> & Partial<Meta>
  /** False: a part is missing that may be there a moment later. */
  cacheable?: boolean
}

export interface Presented {
  /** `data` of the answer, after the output schema. */
  data: unknown
  /** The rows of the answer, where it has rows: for CSV and for the text. */
  table?: Table
  /** What the rows are, for the text: they do not say it themselves. */
  caption?: string
  /** Where rows were left out: how to get them. */
  truncated?: string
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
  /** Seconds for which an answer holds; 0 is not cached. */
  ttl: (args: Static<I>, clock: MarketClock) => number
  /** Arguments that shape the answer only: calls that differ in nothing else share a cache entry. */
  presentation?: readonly string[]
  fetch: (args: Static<I>, call: ToolCall) => Promise<Fetched<D>>
  present: (data: D, args: Static<I>) => Presented
}

/** A tool whose types are forgotten, as the catalogue lists it. */
export type Tool = ToolDefinition<TObject, any>

/** States a tool: the MCP tool, the REST route, the OpenAPI entry and the form follow from it. */
export function defineTool<I extends TObject, D> (definition: ToolDefinition<I, D>): ToolDefinition<I, D> {
  return definition
}
