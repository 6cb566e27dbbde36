import { useQuery, useQueryClient } from '@tanstack/react-query'
import { answer, api } from '../../api/client.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Loaded } from '../../components/loading.tsx'
import { ErrorNote } from '../../components/note.tsx'
import { Time } from '../../components/time.tsx'
import { toast } from '../../components/toast.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { systemQueries, type AdminLogin } from './queries.ts'

/** Where an admin is logged in; each login can be ended, here or anywhere. */
export function Logins ({ adminId, of }: { adminId: string, of: string }) {
  const client = useQueryClient()
  const refresh = () => client.invalidateQueries({ queryKey: ['admins', adminId] })
  const end = useAction((login: string) => answer(api.DELETE('/api/admins/{id}/logins/{login}', {
    params: { path: { id: adminId, login } }
  })), () => {
    refresh()
    toast('The login was ended.')
  })
  const endOthers = useAction(() => answer(api.DELETE('/api/admins/{id}/logins', {
    params: { path: { id: adminId }, query: { keep_own: true } }
  })), ({ ended }) => {
    refresh()
    toast(ended === 1 ? 'One login was ended.' : `${ended} logins were ended.`)
  })
  return (
    <>
      <Loaded query={useQuery(systemQueries.logins(adminId))}>
        {logins => logins.length === 0
          ? <p>Nowhere logged in.</p>
          : (
            <>
              <ul className='logins' aria-label={`Logins of ${of}`}>
                {logins.map(login => (
                  <Login key={login.id} login={login} pending={end.pending} onEnd={() => end.run(login.id)} />
                ))}
              </ul>
              {logins.filter(login => !login.is_current).length > 1 && (
                <Button size='small' pending={endOthers.pending} onClick={() => endOthers.run()}>
                  {logins.some(login => login.is_current) ? 'End all others' : 'End all'}
                </Button>
              )}
            </>
            )}
      </Loaded>
      <ErrorNote error={end.error ?? endOthers.error} />
    </>
  )
}

function Login ({ login, pending, onEnd }: { login: AdminLogin, pending: boolean, onEnd: () => void }) {
  const browser = toBrowser(login.user_agent)
  return (
    <li>
      <span title={login.user_agent ?? undefined}>
        {browser}{login.address && <>, from <code>{login.address}</code></>}
      </span>
      <span className='hint'>
        since <Time at={login.created_at} relative />, last used <Time at={login.last_seen_at} relative />
      </span>
      {login.is_current
        ? <Badge tone='info'>this one</Badge>
        : <Button size='small' look='danger' pending={pending} aria-label={`End the login of ${browser}`} onClick={onEnd}>End</Button>}
    </li>
  )
}

const BROWSERS = [['Edg', 'Edge'], ['OPR', 'Opera'], ['Firefox', 'Firefox'], ['Chrome', 'Chrome'], ['Safari', 'Safari']] as const
const SYSTEMS = [
  ['Android', 'Android'], ['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Mac OS', 'macOS'], ['Windows', 'Windows'], ['Linux', 'Linux']
] as const

/** "Firefox on Linux"; what is no browser that is known stays as it names itself. */
function toBrowser (agent: string | null): string {
  if (!agent) return 'An unknown program'
  const browser = BROWSERS.find(([mark]) => agent.includes(`${mark}/`))?.[1]
  const system = SYSTEMS.find(([mark]) => agent.includes(mark))?.[1]
  if (!browser) return agent.slice(0, 60)
  return system ? `${browser} on ${system}` : browser
}
