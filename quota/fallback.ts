import type { FastifyBaseLogger } from 'fastify'
import { awake } from '../awake.ts'
import { createLru } from '../lru.ts'
import type { MemoryStore } from './memory.ts'
import type { QuotaStore } from './types.ts'

/** Longest that a store is waited for, and for how long it is left alone after it failed. */
const TIMEOUT_MS = 1_000
const PAUSE_MS = 1_000

export interface FallbackOptions {
  store: QuotaStore
  memory: MemoryStore
  log: Pick<FastifyBaseLogger, 'info' | 'warn'>
  timeoutMs?: number
  pauseMs?: number
}

/**
 * The shared count, and while it is away this process's own, which knows what was used when it was last told. What is
 * granted meanwhile is counted in the shared one as soon as it is back.
 */
export function createFallbackStore (options: FallbackOptions): QuotaStore {
  const { store, memory, log, timeoutMs = TIMEOUT_MS, pauseMs = PAUSE_MS } = options
  const owed = createLru<number>(5000)
  let isDown = false
  let retryAt = 0

  /** Undefined where the store does not answer. While it is down one caller in a second finds out. */
  async function ask<T> (task: () => Promise<T>): Promise<{ answer: T } | undefined> {
    if (isDown && Date.now() < retryAt) return undefined
    retryAt = Date.now() + pauseMs
    try {
      const answer = await awake(timeoutMs, task())
      if (isDown) log.info('The quota ledger is shared again')
      isDown = false
      return { answer }
    } catch (error) {
      retryAt = Date.now() + pauseMs
      if (!isDown) log.warn({ err: error }, 'The quota ledger cannot be reached: this process counts for itself')
      isDown = true
      return undefined
    }
  }

  return {
    async take (request) {
      const { ledger, windows } = request
      const unrecorded = owed.get(ledger) ?? 0
      const asked = await ask(() => store.take({ ...request, unrecorded }))
      if (!asked) {
        const verdict = memory.decide(request)
        if (verdict.granted) owed.set(ledger, unrecorded + 1)
        return verdict
      }
      const { answer: verdict } = asked
      owed.delete(ledger)
      if (!verdict.granted) return verdict
      memory.count(request)
      const { left } = verdict
      const window = windows.find(({ per }) => per === left?.per)
      if (left && window) memory.raise(ledger, window, left.limit - left.left)
      return verdict
    },

    async correct (ledger, window, left) {
      await memory.correct(ledger, window, left)
      await ask(() => store.correct(ledger, window, left))
    },

    async block (ledger, ms) {
      memory.hold(ledger, ms)
      await ask(() => store.block(ledger, ms))
    },

    async read (ledger, windows) {
      return (await ask(() => store.read(ledger, windows)))?.answer ?? memory.look(ledger, windows)
    },

    async learn (ledger, plan) {
      await memory.learn(ledger, plan)
      await ask(() => store.learn(ledger, plan))
    },

    async learned (ledger) {
      const asked = await ask(() => store.learned(ledger))
      if (!asked) return memory.learned(ledger)
      await memory.learn(ledger, asked.answer)
      return asked.answer
    }
  }
}
