import { problem } from '../errors.ts'

/** Where a caller stands in the rows of an answer. */
export interface Page {
  /** Rows before the page. */
  offset: number
  /** Most rows on it. */
  limit: number
}

/** A place in the rows that one moment saw. */
export interface Place extends Page {
  /** When those rows were fetched, unix ms; undefined on the first page. */
  anchor?: number | undefined
}

/** Rows beyond these are not fetched for anyone. */
export const MAX_ROWS = 10_000

const STEPS = [50, 200, 1000, MAX_ROWS]

/** Rows to fetch where so many are needed: in few sizes, so that pages share what was fetched. */
export function reachOf (needed: number): number {
  return STEPS.find(step => step >= needed) ?? MAX_ROWS
}

/**
 * The opaque cursor of the rows from `offset` on.
 * @param call hash of the call's other arguments: the cursor fits no other call
 */
export function toCursor (offset: number, anchor: number, call: string): string {
  return [offset.toString(36), anchor.toString(36), call].join('.')
}

const CURSOR = /^([0-9a-z]{1,4})\.([0-9a-z]{1,9})\.([\w-]{1,12})$/

/** @throws INVALID_INPUT where it is no cursor, or one of another call */
export function readPlace (cursor: unknown, limit: number, call: string): Place {
  if (cursor === undefined) return { offset: 0, limit }
  const [, offset = '', anchor = '', hash] = CURSOR.exec(String(cursor)) ?? []
  if (hash !== call) {
    throw problem('INVALID_INPUT', hash === undefined
      ? 'cursor is not one of ours. Send meta.next_cursor of an answer as it is, or leave cursor out.'
      : 'This cursor belongs to a call with other arguments. Send the arguments of that call again, or leave cursor out.',
    { errors: [{ path: 'cursor', message: 'does not belong to this call' }] })
  }
  const at = parseInt(offset, 36)
  return { offset: at, limit: Math.min(limit, MAX_ROWS - at), anchor: parseInt(anchor, 36) }
}
