import { useSyncExternalStore } from 'react'

export interface Store<T> {
  get: () => T
  set: (value: T) => void
  /** @returns what ends the subscription */
  subscribe: (listener: () => void) => () => void
}

/** One value outside of React, for what is neither of one component nor the server's. */
export function createStore<T> (value: T): Store<T> {
  const listeners = new Set<() => void>()
  return {
    get: () => value,
    set (next) {
      if (Object.is(next, value)) return
      value = next
      for (const listener of [...listeners]) listener()
    },
    subscribe (listener) {
      listeners.add(listener)
      return () => { listeners.delete(listener) }
    }
  }
}

export const useStore = <T>(store: Store<T>): T => useSyncExternalStore(store.subscribe, store.get)
