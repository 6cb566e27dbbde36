import { CloudOff } from 'lucide-react'
import { link } from '../api/link.ts'
import { useStore } from '../store.ts'

/** Over everything, while the server is away. */
export function LinkBanner () {
  const isAway = useStore(link) === 'away'
  return (
    <div role='status' className={isAway ? 'link-banner' : 'unseen'}>
      {isAway && <><CloudOff aria-hidden /> The server does not answer; trying again.</>}
    </div>
  )
}
