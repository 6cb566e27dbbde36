import { hash, verify } from '@node-rs/argon2'
import { isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { problem } from '../errors.ts'
import { createSemaphore } from '../tokens/semaphore.ts'

const PASSWORD_ARGON2 = { memoryCost: 65_536, timeCost: 3, parallelism: 1 }
/** Belongs to no password: an unknown name costs what a known one costs. */
const NOBODY = '$argon2id$v=19$m=65536,t=3,p=1$bm9ib2R5LW5vYm9keS1ubw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
const FAILURES = { points: 10, duration: 15 * 60 }

/** Passwords as argon2id, one at a time: each takes 64 MiB. */
export function createPasswords () {
  const slots = createSemaphore(1, 16)
  return {
    hash: (password: string) => slots.run(() => hash(password, PASSWORD_ARGON2)),
    /** @param hashed undefined where there is no such account: the same work, and false */
    verify: (hashed: string | undefined, password: string) => slots.run(() => verify(hashed ?? NOBODY, password))
  }
}

/** @throws INVALID_INPUT */
export function assertPassword (password: string): void {
  const { length } = [...password]
  if (length >= 12 && length <= 128) return
  throw problem('INVALID_INPUT', 'The password must have 12 to 128 characters.', {
    errors: [{ path: '/password', message: 'must have 12 to 128 characters' }]
  })
}

/**
 * Allows ten failures in 15 minutes, for each account and for each address; successes do not count. A try counts as a
 * failure until it succeeds, so that many at once gain nothing.
 */
export function createLoginLimits () {
  const accounts = new RateLimiterMemory({ ...FAILURES, keyPrefix: 'account' })
  const addresses = new RateLimiterMemory({ ...FAILURES, keyPrefix: 'address' })

  /**
   * @param account undefined: the setup code, which is nobody's
   * @param failed which errors are failures of the caller
   * @throws RATE_LIMITED with the seconds until the next try
   */
  return async function limit<T> (
    account: string | undefined, address: string | undefined, attempt: () => Promise<T>,
    failed: (error: unknown) => boolean
  ): Promise<T> {
    const keys: [RateLimiterMemory, string][] = [[addresses, toNetwork(address ?? 'local')]]
    if (account !== undefined) keys.push([accounts, account.toLowerCase()])
    const taken: typeof keys = []
    const giveBack = () => Promise.all(taken.map(([limiter, key]) => limiter.reward(key)))
    for (const [limiter, key] of keys) {
      try {
        await limiter.consume(key)
      } catch (refused) {
        await giveBack()
        if (!(refused instanceof RateLimiterRes)) throw refused
        throw problem('RATE_LIMITED', 'Too many failed logins. Wait before the next try.', {
          retry_after_seconds: Math.ceil((refused.msBeforeNext ?? 0) / 1000)
        })
      }
      taken.push([limiter, key])
    }
    try {
      const result = await attempt()
      await giveBack()
      return result
    } catch (error) {
      if (!failed(error)) await giveBack()
      throw error
    }
  }
}

/** Whom an address counts for: IPv6 is given out by /64, so a single address means nothing. */
export function toNetwork (address: string): string {
  if (!isIPv6(address)) return address
  const parsed = ipaddr.process(address)
  return parsed.kind() === 'ipv4' ? parsed.toString() : (parsed as ipaddr.IPv6).parts.slice(0, 4).join(':')
}
