import { useQuery } from '@tanstack/react-query'
import { BookOpen, LogOut } from 'lucide-react'
import { useLocation } from 'wouter'
import { logOut } from '../api/auth.ts'
import { BASE } from '../api/base.ts'
import { answer, api } from '../api/client.ts'
import { queries } from '../api/queries.ts'
import { Button } from '../components/button.tsx'
import { Field } from '../components/field.tsx'
import { toast } from '../components/toast.tsx'
import { useAction } from '../hooks/use-action.ts'
import { useStore } from '../store.ts'
import { setTheme, theme, THEMES } from '../theme.ts'

/** Who is logged in, and what is the viewer's own: the theme, and the way out. */
export function Viewer () {
  // It is also how an ended login is noticed: at each focus.
  const { data: admin } = useQuery(queries.admin())
  const [, navigate] = useLocation()
  const leaving = useAction(
    () => answer(api.POST('/api/logout')).catch(error => { toast(error.message, 'bad'); throw error }),
    () => {
      logOut('left')
      navigate('/', { replace: true })
    }
  )
  return (
    <div className='viewer'>
      <a href={`${BASE}/docs`} target='_blank' rel='noreferrer'><BookOpen aria-hidden /> REST API</a>
      <ThemeChoice />
      <p className='who'>{admin ? <>Logged in as <strong>{admin.name}</strong></> : ' '}</p>
      <Button look='plain' pending={leaving.pending} onClick={() => leaving.run()}><LogOut aria-hidden /> Log out</Button>
    </div>
  )
}

function ThemeChoice () {
  const chosen = useStore(theme)
  return (
    <Field label='Theme'>
      {wiring => (
        <select {...wiring} value={chosen} onChange={({ target }) => setTheme(THEMES.find(theme => theme === target.value) ?? 'system')}>
          <option value='system'>As the system</option>
          <option value='light'>Light</option>
          <option value='dark'>Dark</option>
        </select>
      )}
    </Field>
  )
}
