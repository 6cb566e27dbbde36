interface Flight<T> {
  promise: Promise<T>
  abort: AbortController
  waiters: number
}

export interface SingleFlight<T> {
  /**
   * Runs one load a key, however many ask for it at once. The load is aborted when nobody waits for it any more; a
   * waiter that gives up leaves the others their answer.
   */
  fly: (key: string, load: (signal: AbortSignal) => Promise<T>, signal: AbortSignal) => Promise<T>
  isFlying: (key: string) => boolean
  /** Whoever asks from now on gets a flight of its own; those who wait already get theirs. */
  reset: () => void
}

export function createSingleFlight<T> (): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>()

  return {
    isFlying: key => flights.has(key),
    reset: () => flights.clear(),

    fly (key, load, signal) {
      signal.throwIfAborted()
      let flight = flights.get(key)
      const forget = () => { if (flights.get(key) === flight) flights.delete(key) }
      if (!flight) {
        const abort = new AbortController()
        flight = { abort, waiters: 0, promise: load(abort.signal).finally(forget) }
        flight.promise.catch(() => {})
        flights.set(key, flight)
      }
      return wait(flight, signal, forget)
    }
  }
}

async function wait<T> (flight: Flight<T>, signal: AbortSignal, forget: () => void): Promise<T> {
  flight.waiters++
  let onAbort = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([flight.promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
    if (--flight.waiters === 0 && signal.aborted) {
      forget()
      flight.abort.abort(signal.reason)
    }
  }
}
