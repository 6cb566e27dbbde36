import { verify as verifyArgon2 } from '@node-rs/argon2'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { isProblem, problem, type Problem } from '../errors.ts'
import { createLru } from '../lru.ts'
import type { Semaphore } from './semaphore.ts'
import { parseToken, type TokenKind } from './token.ts'

/** Cost of a token's hash: the token is 256 random bits, so the least that OWASP asks for is plenty. */
export const TOKEN_ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

const MOST_ENTRIES = 10_000
const FRESH_MS = 30_000
/** Longer than a fill takes, and than what was read goes on: what was invalidated before needs no memory of it. */
const INVALIDATION_MS = 120_000
const MOST_READS = 3

/** What the row of a token says. */
export interface GateRow<P> {
  principal: P
  /** argon2id of the token whose mac is `mac`. */
  hash: string
  mac: Buffer
  /** The token before a rotation, and who presents it: its mac suffices. */
  previous?: { mac: Buffer, expiresAt: Date, principal: P } | null
  expiresAt: Date | null
  revokedAt: Date | null
  /** What is invalidated together, and its version: a row of an older epoch than the last invalidation is stale. */
  group: string
  epoch: number
}

export interface GateOptions<P> {
  kind: TokenKind
  /** Key of the macs. */
  key: Buffer
  slots: Semaphore
  /** One indexed read by the token's id. */
  read: (id: string) => Promise<GateRow<P> | undefined>
  /** False while invalidations of other replicas may be missed. */
  isTrusted: () => boolean
  /** Until when none was missed, unix ms: now while trusted. Not given: a principal is as old as its row's read. */
  trustedAt?: () => number
  /** How long a principal goes on without the database, after the 30 s that it always does. */
  graceMs?: number
}

export interface TokenGate<P> {
  /** @throws UNAUTHENTICATED, or OVERLOADED where the token cannot be checked now */
  verify (token: string): Promise<P>
  /** Who would present the token of this id now. @throws as `verify` */
  find (id: string): Promise<P>
  /** False where something of its group was invalidated after its row was read: the row may say something else now. */
  isCurrent (principal: P): boolean
  mac (text: string): Buffer
  /** Drops what was read of the group under an older epoch, also by reads that are still on their way. */
  invalidate (group: string, epoch: number): void
  flush (): void
  /** How often argon2 was run since the start. */
  argon2Runs (): number
}

/** What a principal was read from. */
interface Origin {
  group: string
  epoch: number
  /** Of the flushes: what was read before one must be read again. */
  generation: number
}

interface Entry<P> extends Origin {
  principal: P
  /** Milliseconds since 1970, as the next. */
  readAt: number
  endsAt: number
}

/** Checks tokens cheaply and refuses bad ones more cheaply still: SECURITY.md, "Access tokens". */
export function createTokenGate<P extends object> (options: GateOptions<P>): TokenGate<P> {
  const { kind, key, slots, read, isTrusted, trustedAt = () => 0, graceMs = 0 } = options
  const entries = createLru<Entry<P>>(MOST_ENTRIES)
  // A mac that was refused stays refused: tokens are random, so none becomes valid later.
  const refused = createLru<true>(MOST_ENTRIES, { ttl: FRESH_MS })
  // That a hash belongs to a mac does not change: a row that is read again needs no second argon2.
  const proven = createLru<string>(MOST_ENTRIES)
  const invalidated = createLru<number>(10 * MOST_ENTRIES, { ttl: INVALIDATION_MS + graceMs })
  const flights = new Map<string, Promise<P>>()
  const origins = new WeakMap<P, Origin>()
  let generation = 0
  let argon2Runs = 0

  const mac = createMac(key)
  const isStale = ({ group, epoch }: { group: string, epoch: number }) => epoch < (invalidated.get(group) ?? 0)

  async function verify (token: string): Promise<P> {
    const parsed = parseToken(token)
    if (parsed?.kind !== kind) throw refusal()
    const digest = mac(token)
    const name = digest.toString('base64')
    const entry = isTrusted() ? freshEntry(name) : undefined
    if (entry) return entry.principal
    if (refused.has(name)) throw refusal()
    let flight = flights.get(name)
    if (!flight) {
      flight = check(token, parsed.id, digest, name).finally(() => flights.delete(name))
      flights.set(name, flight)
    }
    return await flight
  }

  function freshEntry (name: string): Entry<P> | undefined {
    const entry = entries.get(name)
    if (!entry || entry.generation !== generation || isStale(entry)) return undefined
    return Date.now() < Math.min(entry.readAt + FRESH_MS, entry.endsAt) ? entry : undefined
  }

  /** What goes on while its row cannot be read: 30 s and the grace from when it was last known to hold. */
  function lastingEntry (name: string): Entry<P> | undefined {
    const entry = entries.get(name)
    if (!entry || isStale(entry)) return undefined
    const { readAt, endsAt } = entry
    const trusted = entry.generation === generation ? trustedAt() : 0
    // It held then as well: no invalidation came, and it was fresh enough to be answered from memory.
    const knownAt = trusted <= readAt + FRESH_MS ? Math.max(readAt, trusted) : readAt
    return Date.now() < Math.min(knownAt + FRESH_MS + graceMs, endsAt) ? entry : undefined
  }

  async function check (token: string, id: string, digest: Buffer, name: string): Promise<P> {
    for (let reads = 1; ; reads += 1) {
      const before = { generation, at: Date.now() }
      const row = await readOrFallBack(id, name)
      if ('readAt' in row) return row.principal
      const { principal, endsAt } = holderOf(row, digest)
      if (endsAt <= Date.now()) {
        entries.delete(name)
        refused.set(name, true)
        throw refusal()
      }
      if (row.mac.equals(digest)) await prove(row.hash, token, name)
      if (Date.now() >= endsAt) throw refusal()
      const outdated = before.generation !== generation || isStale(row)
      if (outdated && reads < MOST_READS) continue
      const origin = { group: row.group, epoch: row.epoch, generation: before.generation }
      origins.set(principal, origin)
      if (!outdated) entries.set(name, { ...origin, principal, readAt: before.at, endsAt })
      return principal
    }
  }

  async function find (id: string): Promise<P> {
    const readFor = generation
    const row = await read(id).catch(cause => { throw unavailable(cause) })
    if (!row || holderOf(row, row.mac).endsAt <= Date.now()) throw refusal()
    origins.set(row.principal, { group: row.group, epoch: row.epoch, generation: readFor })
    return row.principal
  }

  function isCurrent (principal: P): boolean {
    const origin = origins.get(principal)
    return origin !== undefined && origin.generation === generation && !isStale(origin)
  }

  /** A row of the database, or while it does not answer what was read before. */
  async function readOrFallBack (id: string, name: string): Promise<GateRow<P> | Entry<P>> {
    try {
      const row = await read(id)
      if (row) return row
    } catch (cause) {
      const entry = lastingEntry(name)
      if (entry) return entry
      throw unavailable(cause)
    }
    entries.delete(name)
    refused.set(name, true)
    throw refusal()
  }

  async function prove (hash: string, token: string, name: string): Promise<void> {
    if (proven.get(name) === hash) return
    const matches = await slots.run(() => {
      argon2Runs += 1
      return verifyArgon2(hash, token)
    })
    if (!matches) throw refusal()
    proven.set(name, hash)
  }

  return {
    verify,
    find,
    isCurrent,
    mac,
    invalidate (group, epoch) {
      invalidated.set(group, Math.max(epoch, invalidated.get(group) ?? 0))
    },
    flush () {
      generation += 1
      refused.clear()
    },
    argon2Runs: () => argon2Runs
  }
}

/** HMAC-SHA256: what is stored of a secret that a caller must present again. */
export function createMac (key: Buffer): (text: string) => Buffer {
  return text => createHmac('sha256', key).update(text).digest()
}

/** Who presents this mac, and until when the row takes it, in milliseconds since 1970; 0 where it does not. */
function holderOf<P> (row: GateRow<P>, digest: Buffer): { principal: P, endsAt: number } {
  const { principal, mac, previous, expiresAt, revokedAt } = row
  const end = revokedAt ? 0 : expiresAt?.getTime() ?? Infinity
  if (timingSafeEqual(mac, digest)) return { principal, endsAt: end }
  if (previous && timingSafeEqual(previous.mac, digest)) {
    return { principal: previous.principal, endsAt: Math.min(end, previous.expiresAt.getTime()) }
  }
  return { principal, endsAt: 0 }
}

/** The same for every bad credential, and without a stack: thousands of them a second must cost nothing. */
export function refusal (detail = 'A valid bearer token is needed: this one is missing, unknown, expired or revoked.'): Problem {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return problem('UNAUTHENTICATED', detail)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** @returns the problem that the error is, or OVERLOADED: what is asked here fails only where the database does. */
export function unavailable (cause: unknown): Problem {
  if (isProblem(cause)) return cause
  return problem('OVERLOADED', 'The credential cannot be checked now because the database does not answer. Try again soon.',
    { cause, retry_after_seconds: 5 })
}
