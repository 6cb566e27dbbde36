import { useState } from 'react'
import { answer, api } from '../../api/client.ts'
import type { OneTimeToken } from '../../api/types.ts'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Code } from '../../components/copy.tsx'
import { ErrorNote } from '../../components/note.tsx'
import { Time } from '../../components/time.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { useNow } from '../../hooks/use-now.ts'
import { QrCode } from '../../components/qr-code.tsx'

/** For a client that takes a URL and sends no header: as text, and to be taken off the screen. */
export function OneTimeLink ({ sessionId }: { sessionId: string }) {
  const [made, setMade] = useState<OneTimeToken>()
  const make = useAction(
    () => answer(api.POST('/api/sessions/{id}/one-time-token', { params: { path: { id: sessionId } }, body: {} })), setMade
  )
  return (
    <Card title='One-time link'>
      <p>For a client that takes an address and cannot send a header. It is good for five minutes, and once.</p>
      {made && <Link made={made} />}
      <ErrorNote error={make.error} />
      <Button pending={make.pending} onClick={() => make.run()}>{made ? 'Make another link' : 'Make a link'}</Button>
    </Card>
  )
}

function Link ({ made: { connect_url: url, expires_at: end } }: { made: OneTimeToken }) {
  if (useNow(1000) >= Date.parse(end)) return <p className='hint'>The link has expired.</p>
  return (
    <div className='one-time'>
      <QrCode text={url} label='The one-time link as a QR code' />
      <div>
        <Code text={url} of='the one-time link' />
        <p className='hint'>Until <Time at={end} />. Whoever reads it can use it: hand it over as you would a password.</p>
      </div>
    </div>
  )
}
