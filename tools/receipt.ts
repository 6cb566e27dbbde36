import { codeOf, type Problem } from '../errors.ts'
import type { RoutedItem, RoutedItems, Routed } from '../providers/router.ts'
import type { Meta } from '../schemas/receipt.ts'
import type { Fetched } from './define.ts'

/** The receipt of an answer from one provider. */
export function receiptOf ({ provider, as_of: asOf, feed, delayed_by_seconds: delay, currency, tried }: Routed<unknown>): Fetched<unknown>['meta'] {
  return {
    provider,
    as_of: asOf,
    ...(feed !== undefined && { feed }),
    ...(delay !== undefined && { delayed_by_seconds: delay }),
    ...(currency && { currency }),
    tried
  }
}

/** The receipt of an answer by symbol: what all its parts share, and what failed. */
export function receiptOfItems<T> ({ items, failed, tried }: RoutedItems<T>): Fetched<unknown>['meta'] {
  const answers: RoutedItem<T>[] = Object.values(items)
  const shared = <V>(of: (answer: RoutedItem<T>) => V | undefined) => {
    const values = new Set(answers.map(of))
    return values.size === 1 ? [...values][0] : undefined
  }
  const feed = shared(answer => answer.feed)
  const delay = shared(answer => answer.delayed_by_seconds)
  return {
    provider: [...new Set(answers.map(answer => answer.provider))].join(',') || null,
    as_of: answers.reduce<string | null>((newest, answer) => (answer.as_of ?? '') > (newest ?? '') ? answer.as_of : newest, null),
    ...(feed !== undefined && { feed }),
    ...(delay !== undefined && { delayed_by_seconds: delay }),
    tried,
    ...(failed.length && { failed: failed.map(({ symbol, problem }) => toFailure(symbol, problem)) })
  }
}

function toFailure (symbol: string, error: Problem): NonNullable<Meta['failed']>[number] {
  return { symbol, code: `FMS_${codeOf(error)}`, detail: error.message }
}

/** An answer with gaps is kept only where the gaps are facts: a symbol that nobody knows. */
export function isComplete<T> ({ failed }: RoutedItems<T>): boolean {
  return failed.every(({ problem }) => codeOf(problem) === 'SYMBOL_NOT_FOUND')
}
