import { useCallback, useState } from 'react'
import { Cancelled, useProof } from '../components/proof.tsx'

export interface Action<A extends unknown[]> {
  run: (...args: A) => Promise<void>
  pending: boolean
  /** Of the last run; gone with the next. */
  error: Error | undefined
  reset: () => void
}

/**
 * A change that the viewer asks for: runs once at a time, and asks for the password where the server wants it anew. Its
 * arguments, which may be secrets, are kept nowhere.
 * @param onDone gets what the work answered
 */
export function useAction<A extends unknown[], T> (
  work: (...args: A) => Promise<T>, onDone?: (result: T) => void
): Action<A> {
  const prove = useProof()
  const [state, setState] = useState<{ pending: boolean, error?: Error }>({ pending: false })

  async function run (...args: A): Promise<void> {
    if (state.pending) return
    setState({ pending: true })
    try {
      const result = await prove(() => work(...args))
      setState({ pending: false })
      onDone?.(result)
    } catch (error) {
      if (error instanceof Cancelled) setState({ pending: false })
      else setState({ pending: false, error: error instanceof Error ? error : new Error(String(error)) })
    }
  }

  const reset = useCallback(() => setState({ pending: false }), [])
  return { run, pending: state.pending, error: state.error, reset }
}
