import { useLayoutEffect, useRef, useState } from 'react'
import { Link } from 'wouter'
import type { Tool } from '../../api/types.ts'
import { TextField } from '../../components/field.tsx'
import { toGroups } from './groups.ts'

/** The catalogue by group, and what a search leaves of it. */
export function ToolList ({ tools, chosen }: { tools: readonly Tool[], chosen: string | undefined }) {
  const [search, setSearch] = useState('')
  const groups = toGroups(tools, search)
  const list = useRef<HTMLElement>(null)
  useLayoutEffect(() => {
    const current = list.current?.querySelector<HTMLElement>('[aria-current]')
    // The list alone is moved: the page is read from its beginning.
    if (current) list.current!.scrollTop = current.offsetTop - list.current!.clientHeight / 2
  }, [])
  return (
    <nav className='tool-list' aria-label='Tools' ref={list}>
      <TextField
        label='Find a tool' type='search' value={search} placeholder='price, news, rsi…'
        onChange={({ target }) => setSearch(target.value)}
      />
      <p role='status' className={groups.length ? 'unseen' : 'hint'}>
        {groups.length ? `${groups.flatMap(({ tools }) => tools).length} tools` : 'No tool has these words.'}
      </p>
      {groups.map(({ title, tools }) => (
        <section key={title}>
          <h2>{title}</h2>
          <ul>
            {tools.map(({ name, title }) => (
              <li key={name}>
                <Link href={`/playground/${name}`} aria-current={name === chosen ? 'page' : undefined}>
                  {title}<code>{name}</code>
                </Link>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </nav>
  )
}
