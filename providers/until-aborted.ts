/** Waits for work that knows no signal: rejects with the signal's reason, and lets the work go on by itself. */
export function untilAborted<T> (work: PromiseLike<T> | T, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      const { reason } = signal
      reject(reason)
    }
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave, { once: true })
    Promise.resolve(work).then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
