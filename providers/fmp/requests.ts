/** How FMP is asked: limits at which plans draw lines, pages, windows, and answers made of several parts. */
import { codeOf, isProblem, type Problem } from '../../errors.ts'
import type { Instrument } from '../../market/symbols.ts'
import { addDays } from '../../market/time.ts'
import type { Fields } from '../parse.ts'
import { planLine } from '../plan-line.ts'
import type { Capability, CapabilityAdapter, DayWindow, ProviderCall, ProviderRequest } from '../types.ts'

export type Fetch<C extends Capability> = CapabilityAdapter<C>['fetch']

/** The line that a request about several instruments lies behind, or one about none, by how far back it goes. */
export function lineOf (instruments: readonly Instrument[], start?: Date, now?: Date): string {
  const asked = instruments.length > 0 ? instruments : [{ symbol: '', asset_class: 'stock' } as const]
  return [...new Set(asked.map(instrument => planLine(instrument, start, now)))].sort().join(', ')
}

/** The first instant of a day, as far as a plan's years of history need it. */
export const startOfDay = (day: string) => new Date(`${day}T00:00:00Z`)

/**
 * Asks for `limit` rows; where the plan refuses more than `included`, for that many, or without a limit where that is
 * undefined.
 */
export async function requestRows (call: ProviderCall, request: ProviderRequest, limit: number,
  included?: number): Promise<unknown> {
  const { query, plan_line: line } = request
  if (included !== undefined && limit <= included) return call.request({ ...request, query: { ...query, limit } })
  try {
    const over = included === undefined ? 'with a limit' : `over ${included} rows`
    return await call.request({ ...request, query: { ...query, limit }, plan_line: line ? `${line}, ${over}` : over })
  } catch (error) {
    if (codeOf(error) !== 'PROVIDER_NOT_ENTITLED') throw error
    return call.request({ ...request, query: { ...query, ...(included !== undefined && { limit: included }) } })
  }
}

/** Rows of a page, where a list has pages; a limit of FMP's own always cuts at a multiple of it. */
export const PAGE_ROWS = 100

export interface Pages {
  /** Pages from 0. */
  load: (page: number) => Promise<Fields[]>
  isEnough: (rows: readonly Fields[]) => boolean
  most: number
}

/** The rows of page after page, until one is not full, or they are enough, or the plan gives no more. */
export async function pagesOf ({ load, isEnough, most }: Pages): Promise<Fields[]> {
  const rows: Fields[] = []
  let first: string | undefined
  for (let page = 0; page < most; page++) {
    const fresh = await load(page).catch((error: unknown) => {
      if (page === 0 || codeOf(error) !== 'PROVIDER_NOT_ENTITLED') throw error
      return []
    })
    // Some lists ignore the page and begin anew.
    const start = JSON.stringify(fresh[0])
    if (start === undefined || start === first) break
    first ??= start
    rows.push(...fresh)
    if (fresh.length % PAGE_ROWS !== 0 || isEnough(rows)) break
  }
  return rows
}

/** The same request for a page; plans draw a line after the first. */
export function onPage (request: ProviderRequest, page: number): ProviderRequest {
  const line = [request.plan_line, page > 0 && 'further pages'].filter(Boolean).join(', ')
  return { ...request, query: { ...request.query, page }, plan_line: line || undefined }
}

/** Windows of at most so many days that make up the whole, earliest first. */
export function * windowsOf ({ from, to }: DayWindow, days: number): Generator<DayWindow> {
  for (let first = from; first <= to; first = addDays(first, days)) {
    const last = addDays(first, days - 1)
    yield { from: first, to: last < to ? last : to }
  }
}

/** What each part answered, null where it was refused; and the first refusal. */
export interface Parts<T extends readonly unknown[]> {
  answers: { [K in keyof T]: T[K] | null }
  refusal: Problem | undefined
}

/** @throws the first part's problem where no part answered; whatever is not a problem of the table */
export async function partsOf<T extends readonly unknown[]> (
  parts: { [K in keyof T]: Promise<T[K]> }
): Promise<Parts<T>> {
  const outcomes = await Promise.allSettled(parts)
  const reasons = outcomes.flatMap(outcome => outcome.status === 'rejected' ? [outcome.reason as unknown] : [])
  for (const reason of reasons) if (!isProblem(reason)) throw reason
  const [refusal] = reasons as Problem[]
  if (refusal && reasons.length === outcomes.length) throw refusal
  const answers = outcomes.map(outcome => outcome.status === 'fulfilled' ? outcome.value : null)
  return { answers: answers as Parts<T>['answers'], refusal }
}

/** Null where it was refused: for what the rest is worth having without. */
export async function orNull<T> (part: Promise<T>): Promise<T | null> {
  try {
    return await part
  } catch (error) {
    if (isProblem(error)) return null
    throw error
  }
}
