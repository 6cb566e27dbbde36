import { lazy, Suspense, useState } from 'react'
import type { Connection, Tool } from '../../../api/types.ts'
import { CheckField, SelectField } from '../../../components/field.tsx'
import { ErrorNote } from '../../../components/note.tsx'
import type { Arguments } from '../call.ts'
import type { Chart } from './charts.ts'
import { INDICATORS, useIndicators, type IndicatorId } from './indicators.ts'

/** The library comes with the first chart and not before. */
const PriceChart = lazy(() => import('./price-chart.tsx'))

export interface ChartTabProps { tool: Tool, connection: Connection, args: Arguments, charts: Chart[] }

/** A series of the answer, with indicators where it is one of bars. */
export function ChartTab ({ tool, connection, args, charts }: ChartTabProps) {
  const [symbol, setSymbol] = useState('')
  const [chosen, setChosen] = useState<IndicatorId[]>([])
  const chart = charts.find(chart => chart.symbol === symbol) ?? charts[0]!
  const takesIndicators = tool.name === 'get_bars' && chart.candles !== undefined
  const indicators = useIndicators(connection.id, args, chart, takesIndicators ? chosen : [])
  const added = takesIndicators && chosen.length > 0 ? indicators.data ?? [] : []
  const choose = (id: IndicatorId, isChosen: boolean) =>
    setChosen(isChosen ? [...chosen, id] : chosen.filter(one => one !== id))
  const subject = chart.symbol || String([args['symbols'] ?? args['symbol'] ?? tool.title].flat()[0])
  const lines = [...chart.lines, ...added.filter(({ name }) => isChosen(name, chosen))]
  return (
    <div className='chart-tab'>
      {charts.length > 1 && (
        <SelectField label='Symbol' value={chart.symbol} onChange={({ target }) => setSymbol(target.value)}>
          {charts.map(({ symbol }) => <option key={symbol}>{symbol}</option>)}
        </SelectField>
      )}
      {takesIndicators && (
        <fieldset aria-busy={indicators.isFetching || undefined}>
          <legend className='unseen'>Indicators</legend>
          <div className='choices'>
            {INDICATORS.map(({ id, title }) => (
              <CheckField
                key={id} label={title} checked={chosen.includes(id)}
                onChange={({ target }) => choose(id, target.checked)}
              />
            ))}
          </div>
        </fieldset>
      )}
      <ErrorNote error={chosen.length ? indicators.error : undefined} />
      <Suspense fallback={<div className='chart-place' role='status' aria-label='Loading the chart' />}>
        <PriceChart symbol={subject} chart={chart} lines={lines} />
      </Suspense>
    </div>
  )
}

const isChosen = (column: string, chosen: readonly IndicatorId[]) =>
  INDICATORS.some(({ id, columns }) => chosen.includes(id) && (columns as readonly string[]).includes(column))
