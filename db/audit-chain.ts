/** The mathematics of the audit log: what is hashed and signed, and how. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { lengthPrefixed } from '../vault/envelope.ts'
import type { AuditLogRow } from './types.ts'

/** A row before its place in the chain. Strings are well-formed and hold no NUL; `details` is canonical JSON. */
export interface AuditFields extends Omit<AuditLogRow, 'seq' | 'details' | 'prev_hash' | 'hash'> {
  details: string
}

/** A place in the chain, as an operator may have noted it elsewhere. */
export interface AuditHead {
  seq: number
  hash: Buffer
}

/** A place that the server has signed. */
export interface SignedHead extends AuditHead {
  mac: Buffer
}

export const GENESIS: AuditHead = { seq: 0, hash: Buffer.alloc(32) }

/** `seq:hash`, as it is noted; undefined where it is nothing of the kind. */
export function parseHead (text = ''): AuditHead | undefined {
  const [, seq, hash] = /^([0-9]{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  return seq !== undefined && hash !== undefined ? { seq: Number(seq), hash: Buffer.from(hash, 'hex') } : undefined
}

export const isSameHead = (a: AuditHead, b: AuditHead): boolean => a.seq === b.seq && a.hash.equals(b.hash)

/** A row's hash: of all that it says, its number and the hash of the row before. */
export function hashOf (key: Buffer, previous: Buffer, seq: string, row: AuditFields): Buffer {
  const fields = lengthPrefixed([
    seq, row.time.toISOString(), row.actor, row.action, row.target, row.outcome, row.connection_id, row.session_id,
    row.client_name, row.client_version, row.ip, row.request_id,
    row.latency_ms === null ? null : String(row.latency_ms), row.details
  ])
  return createHmac('sha256', key).update(previous).update(fields).digest()
}

/** @param kind so that an anchor cannot be passed off as a checkpoint */
export function signHead (key: Buffer, kind: 'anchor' | 'checkpoint', { seq, hash }: AuditHead): Buffer {
  return createHmac('sha256', key).update(lengthPrefixed([`audit ${kind}`, String(seq), hash.toString('hex')])).digest()
}

/** Whether the server signed it. */
export function isSigned (key: Buffer, kind: 'anchor' | 'checkpoint', { mac, ...head }: SignedHead): boolean {
  return mac.length === 32 && timingSafeEqual(mac, signHead(key, kind, head))
}

/**
 * JSON with the keys in order: jsonb keeps neither their order nor the way a number was written.
 * @param toText what becomes of each text in it, keys too
 */
export function toCanonicalJson (value: unknown, toText: (text: string) => string = text => text): string {
  if (typeof value === 'string') return JSON.stringify(toText(value))
  if (Array.isArray(value)) return `[${value.map(part => toCanonicalJson(part, toText)).join(',')}]`
  if (value instanceof Date) return JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).filter(([, part]) => part !== undefined)
    .map(([key, part]) => [toText(key), part] as const).sort(([a], [b]) => a < b ? -1 : 1)
  return `{${members.map(([key, part]) => `${JSON.stringify(key)}:${toCanonicalJson(part, toText)}`).join(',')}}`
}
