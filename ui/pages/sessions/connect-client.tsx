import { useQuery } from '@tanstack/react-query'
import { queries } from '../../api/queries.ts'
import type { Session } from '../../api/types.ts'
import { Card } from '../../components/card.tsx'
import { Code } from '../../components/copy.tsx'
import { Loaded } from '../../components/loading.tsx'
import { Note } from '../../components/note.tsx'
import { Tabs } from '../../components/tabs.tsx'
import { CLIENTS } from './clients.ts'
import { FirstCall } from './first-call.tsx'
import { OneTimeLink } from './one-time-link.tsx'

export interface ConnectClientProps {
  session: Session
  /** Known at its birth and after a rotation only. */
  token?: string | undefined
}

/** All that a client needs, and whether it has come. */
export function ConnectClient ({ session, token }: ConnectClientProps) {
  const endpoint = useQuery(queries.endpoint())
  return (
    <>
      <FirstCall sessionId={session.session_id} />
      {token && (
        <Card title='The token, shown this once'>
          <p>Copy it now: the server keeps no copy. It stands in the texts below already.</p>
          <Code text={token} of='the token' />
        </Card>
      )}
      <Card title='Set up the client'>
        {!token && (
          <Note>
            <p>
              The token ends in <code>{session.token_last_four}</code>, and is not to be seen again. Put it in where the
              texts say <code>fmcp_st_…</code>, or rotate the session for a new one.
            </p>
          </Note>
        )}
        <Loaded query={endpoint}>
          {url => (
            <>
              <p className='endpoint'>Address: <code>{url}</code></p>
              <Tabs
                label='Clients' tabs={CLIENTS.map(({ id, title, how, text, note }) => ({
                  id,
                  title,
                  content: (
                    <>
                      <p>{how}</p>
                      <Code text={text(url, token ?? 'fmcp_st_…')} of={`the text for ${title}`} />
                      {note && <p className='hint'>{note}</p>}
                    </>
                  )
                }))}
              />
            </>
          )}
        </Loaded>
      </Card>
      <OneTimeLink sessionId={session.session_id} />
    </>
  )
}
