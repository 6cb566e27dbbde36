import type { QuotaPlan } from '../schemas/control.ts'
import type { QuotaLeft } from '../schemas/receipt.ts'

/** What a key's plan lets through in any stretch of this length; null: as many as are sent, which are counted. */
export interface QuotaWindow {
  per: QuotaLeft['per']
  limit: number | null
}

/** One request that wants to be sent. */
export interface QuotaRequest {
  /** Stands for one key of one provider: the same key in two connections is one. */
  ledger: string
  windows: readonly QuotaWindow[]
  /** Whose share it is taken from; null: of nobody's, as the test of a key. */
  sessionId: string | null
  /** Refreshes behind an answer leave a reserve to the calls that somebody waits for. */
  background: boolean
  /** Requests that were sent while the store was away: counted first, whatever the verdict. */
  unrecorded?: number
}

export type QuotaVerdict =
  /** Counted; `left` is of the window with the least left, null where there is no window. */
  | { granted: true, left: QuotaLeft | null }
  /** Not counted: after `waitMs` it may be asked again. */
  | { granted: false, waitMs: number, left: QuotaLeft | null }

export interface QuotaReading {
  /** How long nothing is granted, because the provider refused; 0: it is. */
  blockedMs: number
  /** Requests that count now, and when the first of them no longer does; null: none counts. */
  windows: { per: QuotaLeft['per'], used: number, freesMs: number | null }[]
}

/** The count of all replicas. Every store passes test/contracts/quota-store.ts. */
export interface QuotaStore {
  /** Counts the request in every window, or in none. */
  take: (request: QuotaRequest) => Promise<QuotaVerdict>
  /** The provider said how much is left: what others used of the key is counted too. Never gives anything back. */
  correct: (ledger: string, window: QuotaWindow, left: number) => Promise<void>
  /** The provider refused: nothing is granted for so long. */
  block: (ledger: string, ms: number) => Promise<void>
  /** How much is used of each window now. */
  read: (ledger: string, windows: readonly QuotaWindow[]) => Promise<QuotaReading>
  /** The limits that the provider told, kept with the count. */
  learn: (ledger: string, plan: QuotaPlan) => Promise<void>
  learned: (ledger: string) => Promise<QuotaPlan>
}
