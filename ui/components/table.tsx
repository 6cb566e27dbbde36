import type { ReactNode } from 'react'
import { Loaded, Skeleton, type Asked } from './loading.tsx'

export interface Column<Row> {
  title: string
  cell: (row: Row) => ReactNode
  /** Numbers stand at the right. */
  align?: 'right'
}

export interface TableProps<Row> {
  /** What it lists, for those who do not see it. */
  caption: string
  columns: Column<Row>[]
  query: Asked<Row[]>
  rowKey: (row: Row) => string
  /** In place of no rows. */
  empty: ReactNode
  className?: string
}

/** Rows of the server. On a phone each row is a card. */
export function Table<Row> ({ caption, columns, query, rowKey, empty, className = '' }: TableProps<Row>) {
  return (
    <Loaded query={query} skeleton={<Skeleton lines={4} className='of-table' />}>
      {rows => rows.length === 0
        ? empty
        : (
          // Laid out as cards, a browser no longer takes it for a table: the roles say it.
          <table role='table' className={`rows ${className}`}>
            <caption className='unseen'>{caption}</caption>
            <thead role='rowgroup'>
              <tr role='row'>
                {columns.map(({ title, align }) => (
                  <th key={title} role='columnheader' scope='col' className={align}>{title}</th>
                ))}
              </tr>
            </thead>
            <tbody role='rowgroup'>
              {rows.map(row => (
                <tr key={rowKey(row)} role='row'>
                  {columns.map(({ title, cell, align }) => (
                    <td key={title} role='cell' data-title={title} className={align}>{cell(row)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          )}
    </Loaded>
  )
}
