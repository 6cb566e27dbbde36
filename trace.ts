/** What is said of a span, never a secret, a query or an argument of a call; with `error.type`, of one that failed. */
export type SpanAttributes = Record<string, string | number | boolean>

export interface SpanOptions {
  /** `client`: another server is asked. */
  kind?: 'client'
  attributes?: SpanAttributes
  /** Of the caller, where its message names one: the span is under it, and linked to what it would else be under. */
  traceparent?: string | undefined
}

/**
 * Runs the work within a span, under the one that is current, and ends the span with it. What the work throws is
 * thrown, and leaves its code.
 */
export type Trace = <T>(
  name: string, options: SpanOptions, work: (note: (attributes: SpanAttributes) => void) => Promise<T>
) => Promise<T>

/** Where nothing is traced: the work alone. */
export const untraced: Trace = (_name, _options, work) => work(() => {})
