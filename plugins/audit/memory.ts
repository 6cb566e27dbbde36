import type { FastifyBaseLogger } from 'fastify'
import { isSameHead, type AuditHead } from '../../db/audit-chain.ts'

/** The end of the chain as this process knows it: whoever sets the whole log back, signed anchor included, is seen. */
export interface AuditMemory {
  /** A row of this process stands. */
  wrote: (head: AuditHead) => void
  /** The end that stood when the log was locked; says so in the log where rows are gone that stood before. */
  found: (head: AuditHead) => void
  /** What must be in the log. */
  heads: () => AuditHead[]
}

export function createAuditMemory (log: FastifyBaseLogger): AuditMemory {
  let seen: AuditHead | undefined
  let gone: AuditHead | undefined
  return {
    wrote (head) { if (!seen || head.seq > seen.seq) seen = head },
    found (head) {
      if (seen && (head.seq < seen.seq || (head.seq === seen.seq && !isSameHead(head, seen)))) {
        if (!gone) {
          log.error({ seq: seen.seq, found_seq: head.seq },
            'the audit log was set back: rows that stood in it are gone. Ask GET /api/audit/verify, and compare a copy')
        }
        gone ??= seen
      }
      seen = head
    },
    heads: () => [seen, gone].filter(head => head !== undefined)
  }
}
