import { hash, verify } from '@node-rs/argon2'
import type { FastifyInstance } from 'fastify'
import { isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import { codeOf, isProblem, problem } from '../../errors.ts'
import { createMac } from '../../tokens/gate.ts'
import { createSemaphore } from '../../tokens/semaphore.ts'
import type { Actor } from '../audit/index.ts'

const PASSWORD_ARGON2 = { memoryCost: 65_536, timeCost: 3, parallelism: 1 }
/** Belongs to no password: an unknown name costs what a known one costs. */
const NOBODY = '$argon2id$v=19$m=65536,t=3,p=1$bm9ib2R5LW5vYm9keS1ubw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
const FAILURES = { points: 10, duration: 15 * 60 }

export type Passwords = ReturnType<typeof createPasswords>

/** Passwords as argon2id, one at a time: each takes 64 MiB. */
export function createPasswords () {
  const slots = createSemaphore(1, 16)
  return {
    load: slots.load,
    hash: (password: string) => slots.run(() => hash(password, PASSWORD_ARGON2)),
    /** @param hashed undefined where there is no such account: the same work, and false */
    verify: (hashed: string | undefined, password: string) => slots.run(() => verify(hashed ?? NOBODY, password))
  }
}

/** @throws INVALID_INPUT */
export function assertPassword (password: string, path = '/password'): void {
  const { length } = [...password]
  if (length >= 12 && length <= 128) return
  throw problem('INVALID_INPUT', 'The password must have 12 to 128 characters.', {
    errors: [{ path, message: 'must have 12 to 128 characters' }]
  })
}

/** What failures count for. */
export const toAddressKey = (address: string | undefined) => `address:${toNetwork(address ?? 'local')}`
export const toAccountKey = (name: string) => `account:${name.toLowerCase()}`
/** Of an admin who is logged in: what strangers try on the account must not lock it out. */
export const toOwnKey = (adminId: string) => `own:${adminId}`

export interface Attempt {
  action: string
  target?: string | undefined
  keys: string[]
  /** Of the second factor. */
  code?: string | undefined
  by: Actor
}

export type Attempts = ReturnType<typeof createAttempts>

/**
 * Guesses of a secret: ten failures in 15 minutes for each key, on all replicas together, and each failure in the
 * audit log. A try counts as a failure until it succeeds, so that many at once gain nothing.
 */
export function createAttempts (app: FastifyInstance) {
  const mac = createMac(app.vault.systemKey('token'))
  const limiter = new RateLimiterPostgres({
    ...FAILURES, keyPrefix: 'login', storeClient: app.dbPool, storeType: 'pool', tableName: 'login_limits', tableCreated: true
  })
  /** Who mistakes the fields types a password for a name. */
  const toKey = (key: string) => mac(`limit:${key}`).toString('base64url')

  async function take (keys: string[]): Promise<() => Promise<void>> {
    const taken: string[] = []
    const giveBack = async () => { await Promise.all(taken.map(key => limiter.reward(key))) }
    for (const key of keys.map(toKey)) {
      taken.push(key)
      try {
        await limiter.consume(key)
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused
        await giveBack()
        throw problem('RATE_LIMITED', 'Too many failed logins. Wait before the next try.', {
          retry_after_seconds: Math.ceil(refused.msBeforeNext / 1000)
        })
      }
    }
    return giveBack
  }

  return {
    /** @throws what `attempt` throws, or RATE_LIMITED with the seconds until the next try */
    async run<T> ({ action, target, keys, code, by }: Attempt, attempt: () => Promise<T>): Promise<T> {
      const giveBack = await take(keys)
      let result: T
      try {
        result = await attempt()
      } catch (error) {
        const outcome = codeOf(error)
        const isRefused = outcome === 'UNAUTHENTICATED' || outcome === 'FORBIDDEN'
        const lacksCode = isProblem(error) && error.totp_required === true && code === undefined
        // A right password without its code has guessed nothing.
        if (!isRefused || lacksCode) await giveBack()
        const details = isProblem(error) && error.totp_required ? { second_factor: lacksCode ? 'missing' : 'wrong' } : {}
        if (isRefused) await app.audit.record(app.db, { ...by, action, target, outcome, details })
        throw error
      }
      await giveBack()
      return result
    },

    /** Forgets the failures of the account. */
    async forgive (name: string): Promise<void> {
      await limiter.delete(toKey(toAccountKey(name)))
    }
  }
}

/** Whom an address counts for: IPv6 is given out by /64, so a single address means nothing. */
export function toNetwork (address: string): string {
  if (!isIPv6(address)) return address
  const parsed = ipaddr.process(address)
  return parsed.kind() === 'ipv4' ? parsed.toString() : (parsed as ipaddr.IPv6).parts.slice(0, 4).join(':')
}
