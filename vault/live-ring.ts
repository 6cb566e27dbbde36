import type { FastifyBaseLogger } from 'fastify'
import { keyOf, readKeyRingAgain, type KeyRing, type KeyRingConfig } from './key-ring.ts'

/** The ring that a process works with. */
export interface LiveRing {
  current (): KeyRing
  /**
   * A ring that holds the key. Where the one in use lacks it, another replica was given a new ring first: the file is
   * read once more before this fails.
   * @throws ConfigError that names the kid and where it belongs
   */
  having (kid: string): Promise<KeyRing>
  /** Reads the file once more; where that fails the former ring stays, and nobody is told. */
  refresh (): Promise<void>
  /** The same, and the log tells how it ended. @returns whether the ring in use is what the file says */
  reload (): Promise<boolean>
}

export interface LiveRingOptions {
  config: KeyRingConfig
  /** @throws ConfigError where the ring does not open what is stored */
  assertFits: (ring: KeyRing) => Promise<void>
  log: FastifyBaseLogger
}

/** @param ring the one that the start was made with */
export function createLiveRing (ring: KeyRing, { config, assertFits, log }: LiveRingOptions): LiveRing {
  let last: Promise<unknown> = Promise.resolve()
  let refreshing: Promise<unknown> | undefined

  async function read (): Promise<void> {
    const next = await readKeyRingAgain(config)
    await assertFits(next)
    const isSame = toKids(next) === toKids(ring)
    ring = next
    if (!isSame) log.info({ kids: toKids(next) }, `the key ring was read again: ${next.primary.kid} is primary`)
  }

  /** One at a time, each of the file as it stands when it is asked for. */
  function readNext (): Promise<void> {
    const reading = last.then(read)
    last = reading.catch(() => {})
    return reading
  }

  /** @returns why it failed */
  async function tryRead (): Promise<unknown> {
    refreshing ??= readNext().catch((error: unknown) => error).finally(() => { refreshing = undefined })
    return refreshing
  }

  return {
    current: () => ring,

    async having (kid) {
      if (ring.keys.has(kid)) return ring
      const failure = await tryRead()
      keyOf(ring, kid, failure)
      return ring
    },

    async refresh () {
      await tryRead()
    },

    async reload () {
      try {
        await readNext()
        log.info(`the key ring is read: ${ring.primary.kid} is primary`)
        return true
      } catch (error) {
        log.error({ err: error }, `the key ring was not taken, the former one stays: ${ring.primary.kid} is primary`)
        return false
      }
    }
  }
}

const toKids = (ring: KeyRing) => [...ring.keys.keys()].join(', ')
