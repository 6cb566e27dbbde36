import { useEffect, useState, type ComponentType } from 'react'
import { answered } from '../api/link.ts'
import { PageSkeleton } from '../components/loading.tsx'

export type Load = () => Promise<{ default: ComponentType }>

/**
 * A page that is loaded when it is opened. In the place of `lazy`: Suspense goes on showing a skeleton for 300 ms, also
 * where the page is there at once.
 * @throws in rendering, where it cannot be loaded
 */
export function opened (load: Load): ComponentType {
  let loading: ReturnType<Load> | undefined
  let Page: ComponentType | undefined

  async function open (): Promise<ComponentType> {
    loading ??= surely(load)
    try {
      Page = (await loading).default
      return Page
    } catch (error) {
      // Whoever opens it again tries again.
      loading = undefined
      throw error
    }
  }

  return function Opened () {
    const [error, setError] = useState<unknown>()
    const [Shown, show] = useState(() => Page)
    if (!Shown) open().catch(() => {})
    useEffect(() => {
      let isOpen = true
      if (!Shown) open().then(Page => { if (isOpen) show(() => Page) }, error => { if (isOpen) setError(error) })
      return () => { isOpen = false }
    }, [Shown])
    if (error) throw error
    return Shown ? <Shown /> : <PageSkeleton />
  }
}

/** Where the server is away, waits for it. What fails then too is gone: a newer build took its place. */
async function surely (load: Load): ReturnType<Load> {
  try {
    return await load()
  } catch {
    await answered()
    return load()
  }
}
