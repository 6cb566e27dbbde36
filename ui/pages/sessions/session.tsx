import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useParams } from 'wouter'
import { answer, api } from '../../api/client.ts'
import { queries } from '../../api/queries.ts'
import type { ListedSession } from '../../api/types.ts'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { Loaded, PageSkeleton } from '../../components/loading.tsx'
import { PageHeader } from '../../components/page-header.tsx'
import { Time } from '../../components/time.tsx'
import { toast } from '../../components/toast.tsx'
import { useNow } from '../../hooks/use-now.ts'
import { ConnectClient } from './connect-client.tsx'
import { RotateDialog } from './rotate-dialog.tsx'
import { ScopeFacts } from './scope-facts.tsx'
import { SessionState, toClient } from './table.tsx'

export default function SessionPage () {
  const { id = '' } = useParams()
  return (
    <Loaded query={useQuery(queries.session(id))} skeleton={<PageSkeleton />}>
      {session => <SessionView key={id} session={session} />}
    </Loaded>
  )
}

function SessionView ({ session }: { session: ListedSession }) {
  const client = useQueryClient()
  const { session_id: id, name, state } = session
  // Lives as long as this page is open, as it does where the session is made.
  const [token, setToken] = useState<string>()
  const [asking, setAsking] = useState<'rotate' | 'revoke'>()
  const refresh = () => client.invalidateQueries({ queryKey: ['sessions'] })
  const isActive = state === 'active'
  return (
    <>
      <PageHeader
        title={name ?? `Session …${session.token_last_four}`} above={<Link href='/sessions'>Sessions</Link>}
        lead={<SessionState session={session} />}
        actions={isActive && (
          <>
            <Button onClick={() => setAsking('rotate')}>Rotate</Button>
            <Button look='danger' onClick={() => setAsking('revoke')}>Revoke</Button>
          </>
        )}
      />
      <Card title='Use'><Facts session={session} /></Card>
      {isActive && <ConnectClient session={session} token={token} />}
      {asking === 'rotate' && (
        <RotateDialog
          sessionId={id} onClose={() => setAsking(undefined)} onRotated={made => {
            setAsking(undefined)
            setToken(made.access_token)
            refresh()
          }}
        />
      )}
      {asking === 'revoke' && (
        <Confirm
          title={`Revoke ${name ?? 'this session'}?`} submit='Revoke' onClose={() => setAsking(undefined)}
          work={() => answer(api.DELETE('/api/sessions/{id}', { params: { path: { id } } }))}
          onDone={() => {
            setAsking(undefined)
            refresh()
            toast('The session was revoked.')
          }}
        >
          <p>Its token is refused at once, and what runs for it ends. This cannot be taken back.</p>
        </Confirm>
      )}
    </>
  )
}

function Facts ({ session }: { session: ListedSession }) {
  const { data: connection } = useQuery(queries.connection(session.connection_id))
  const now = useNow(60_000)
  const { last_used_at: used, expires_at: end, previous_expires_at: grace, previous_used_at: former } = session
  return (
    <dl className='facts'>
      <dt>Connection</dt><dd><Link href={`/connections/${session.connection_id}`}>{connection?.name ?? '…'}</Link></dd>
      <dt>Client</dt><dd>{toClient(session) ?? 'none yet'}</dd>
      <dt>Last used</dt><dd>{used ? <><Time at={used} relative />{session.last_address && ` from ${session.last_address}`}</> : 'never'}</dd>
      <dt>Calls today</dt><dd>{session.calls_today.toLocaleString()}</dd>
      <dt>Created</dt><dd><Time at={session.created_at} /></dd>
      <dt>Ends</dt><dd>{end ? <Time at={end} /> : 'never'}</dd>
      {grace && Date.parse(grace) > now && (
        <><dt>Former token</dt><dd>taken until <Time at={grace} />, {former ? <>used <Time at={former} relative /></> : 'not used since'}</dd></>
      )}
      <ScopeFacts scope={session.scope} />
    </dl>
  )
}
