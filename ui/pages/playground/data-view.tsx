import { useState, type ReactNode } from 'react'
import type { Trial } from '../../api/types.ts'
import { Button } from '../../components/button.tsx'
import { Empty } from '../../components/loading.tsx'
import { Time } from '../../components/time.tsx'
import { toLabel } from './fields.ts'

type Table = NonNullable<Trial['table']>

/** More would make the page slow to lay out. */
const SHOWN = 100
const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/

/** The rows of an answer, or what it says of one thing. */
export function DataView ({ table, data, caption }: { table: Table | null, data: unknown, caption: string }) {
  if (table) return <Rows table={table} caption={caption} />
  return <Facts value={data} />
}

function Rows ({ table: { columns, rows }, caption }: { table: Table, caption: string }) {
  const [all, setAll] = useState(false)
  if (!rows.length) return <Empty title='No rows'><p>The question was answered: there is nothing of the kind.</p></Empty>
  const shown = all ? rows : rows.slice(0, SHOWN)
  const isNumeric = columns.map((_, i) => rows.every(row => row[i] === null || typeof row[i] === 'number'))
  return (
    <>
      <div className='scroll result' role='region' aria-label={caption} tabIndex={0}>
        <table>
          <caption className='unseen'>{caption}</caption>
          <thead>
            <tr>{columns.map((column, i) => <th key={column} scope='col' className={isNumeric[i] ? 'right' : undefined}>{column}</th>)}</tr>
          </thead>
          <tbody>
            {shown.map((row, index) => (
              <tr key={index}>
                {row.map((value, i) => <td key={columns[i]} className={isNumeric[i] ? 'right' : isLong(value) ? 'long' : undefined}><Value value={value} /></td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < rows.length && (
        <Button size='small' onClick={() => setAll(true)}>Show all {rows.length.toLocaleString()} rows</Button>
      )}
    </>
  )
}

const isLong = (value: unknown) => String(value).length > 32 && !INSTANT.test(String(value))

/** An object's members, those of its objects below them. */
function Facts ({ value }: { value: unknown }): ReactNode {
  if (typeof value !== 'object' || value === null) return <Value value={value} />
  if (Array.isArray(value)) return <Items values={value} />
  return (
    <dl className='facts result-facts'>
      {Object.entries(value).map(([name, member]) => (
        <div key={name}><dt>{toLabel(name)}</dt><dd><Facts value={member} /></dd></div>
      ))}
    </dl>
  )
}

function Items ({ values }: { values: unknown[] }): ReactNode {
  if (!values.length) return <span className='hint'>none</span>
  if (values.every(value => typeof value !== 'object')) return values.join(', ')
  return <ul className='items'>{values.map((value, i) => <li key={i}><Facts value={value} /></li>)}</ul>
}

function Value ({ value }: { value: unknown }): ReactNode {
  if (value === null || value === undefined) return <><span aria-hidden className='hint'>–</span><span className='unseen'>not known</span></>
  if (typeof value === 'number') return value.toLocaleString(undefined, { maximumSignificantDigits: 12, useGrouping: Math.abs(value) >= 10_000 })
  if (typeof value === 'string' && INSTANT.test(value)) return <Time at={value} />
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
