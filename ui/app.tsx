import { QueryClientProvider } from '@tanstack/react-query'
import { Route, Router, Switch, useLocation } from 'wouter'
import { BASE } from './api/base.ts'
import { queryClient } from './api/query-client.ts'
import { CrashBoundary } from './components/crash-boundary.tsx'
import { ProofProvider } from './components/proof.tsx'
import { Toasts } from './components/toast.tsx'
import { Gate } from './layout/gate.tsx'
import { LinkBanner } from './layout/link-banner.tsx'
import { NotFound } from './layout/not-found.tsx'
import { Shell } from './layout/shell.tsx'
import { PAGES } from './pages/index.ts'

/** Who is not logged in sees the login in each page's place, and the page once logged in. */
export function App () {
  return (
    <QueryClientProvider client={queryClient}>
      <Router base={`${BASE}/ui`}>
        <LinkBanner />
        <Gate>
          <ProofProvider>
            <Shell>
              <Pages />
            </Shell>
          </ProofProvider>
        </Gate>
        <Toasts />
      </Router>
    </QueryClientProvider>
  )
}

function Pages () {
  const [place] = useLocation()
  return (
    <CrashBoundary place={place}>
      <Switch>
        {PAGES.map(({ path, Page }) => <Route key={path} path={path}><Page /></Route>)}
        <Route><NotFound /></Route>
      </Switch>
    </CrashBoundary>
  )
}
