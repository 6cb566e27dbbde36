import { Link, useLocation } from 'wouter'
import { PAGES } from '../pages/index.ts'

export function Navigation () {
  const [location] = useLocation()
  const isWithin = (path: string) => location === path || (path !== '/' && location.startsWith(`${path}/`))
  return (
    <nav aria-label='Pages'>
      <ul>
        {PAGES.map(({ path, nav }) => nav && (
          <li key={path}>
            <Link href={path} aria-current={isWithin(path) ? 'page' : undefined}>
              <nav.icon aria-hidden /> {nav.title}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  )
}
