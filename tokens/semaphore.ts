import { problem } from '../errors.ts'

export interface Semaphore {
  /**
   * Runs the task when one of the slots is free.
   * @throws OVERLOADED where too many wait already
   */
  run<T> (task: () => Promise<T>): Promise<T>
  /** How much it has to do. */
  load (): SemaphoreLoad
}

export interface SemaphoreLoad {
  /** Tasks begun since the start. */
  runs: number
  running: number
  waiting: number
}

/**
 * Limits what argon2 may take of the machine: each run holds megabytes and a thread for tens of milliseconds.
 * @param slots how many tasks run at once
 * @param queue how many more may wait
 */
export function createSemaphore (slots: number, queue: number): Semaphore {
  const waiting: (() => void)[] = []
  let running = 0
  let runs = 0
  return {
    load: () => ({ runs, running, waiting: waiting.length }),

    async run (task) {
      if (running >= slots) {
        if (waiting.length >= queue) {
          throw problem('OVERLOADED', 'Too many logins and new tokens are being checked at once. Try again in a second.',
            { retry_after_seconds: 1 })
        }
        // The slot is handed over by the task that ends, so nobody can slip in between.
        await new Promise<void>(resolve => waiting.push(resolve))
      } else {
        running += 1
      }
      runs += 1
      try {
        return await task()
      } finally {
        const next = waiting.shift()
        if (next) next()
        else running -= 1
      }
    }
  }
}
