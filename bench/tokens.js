// What a model pays: bytes and o200k tokens of the catalogue of tools and of 250 daily bars in each format.
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { runBench } from './report.js'
import { callTool, createDataDir, getText, startServer } from './server.js'

const MODERN = '2026-07-28'

/** What people ask most, with the usual limits, and one that is over the budget. */
const ANSWERS = [
  ['10 quotes', 'get_quote?symbols=AAPL,MSFT,NVDA,AMZN,GOOGL,TSLA,SPY,BTC/USD,ETH/USD,EUR/USD&format=columnar'],
  ['4 income statements', 'get_financials?symbol=AAPL'],
  ['an options chain', 'get_options_chain?symbol=AAPL'],
  ['5 indicators', 'get_indicators?symbol=AAPL&indicators=rsi,macd,sma(50)'],
  ['2,000 bars within the budget', 'get_bars?symbols=AAPL&limit=2000&lookback=10y']
]

await runBench(async () => {
  const server = await startServer(await createDataDir())
  const { tools } = JSON.parse(await getText(server, '/api/tools'))
  // A client hands these three to the model, and keeps the rest.
  const shown = tools.map(({ name, description, input_schema: inputSchema }) => ({ name, description, inputSchema }))
  const figures = measure('tools/list as a model sees it', JSON.stringify(shown), 6000)
  for (const tool of shown) console.log(`${tool.name.padEnd(24)} ${countTokens(JSON.stringify(tool))} tokens`)

  for (const format of ['columnar', 'records', 'csv']) {
    const text = await getText(server, `/api/tools/get_bars?symbols=AAPL&limit=250&format=${format}`)
    figures.push(...measure(`250 daily bars, ${format}`, text, format === 'csv' ? 6800 : undefined))
    figures.push(...measure(`250 busy bars, ${format}`, toBusy(text, format), format === 'csv' ? 6800 : undefined))
  }
  const { data } = JSON.parse(await getText(server, '/api/tools/get_bars?symbols=AAPL&limit=250&detail=summary'))
  figures.push(...measure('summary of 250 daily bars', JSON.stringify(data), 150))
  for (const [name, path] of ANSWERS) figures.push(...measure(name, await getText(server, `/api/tools/${path}`), 8000))
  for (const format of ['columnar', 'csv']) {
    const { url, ...request } = callTool(server, 'get_bars', { symbols: ['AAPL'], limit: 250, format }, MODERN)
    const { result } = await (await fetch(url, request)).json()
    figures.push(...measure(`250 daily bars, ${format}: MCP text`, result.content[0].text))
    figures.push(...measure(`250 daily bars, ${format}: MCP structuredContent`, JSON.stringify(result.structuredContent)))
  }
  await server.stop()
  return figures
})

function measure (name, text, reach) {
  return [
    { name, value: countTokens(text), unit: 'tokens', exact: true, ...(reach && { reach }) },
    { name: '', value: Buffer.byteLength(text), unit: 'bytes' }
  ]
}

/** The same answer with the numbers of a busy stock: prices of two decimals around 230, volumes of eight digits. */
function toBusy (text, format) {
  const series = toSeries()
  const toBar = time => {
    const [open, high, low, close, volume] = series()
    return { time, open, high, low, close, volume }
  }
  if (format === 'csv') {
    const [head, ...lines] = text.trimEnd().split('\n')
    return [head, ...lines.map(line => Object.values(toBar(line.split(',')[0])).join(','))].join('\n') + '\n'
  }
  const answer = JSON.parse(text)
  const [one] = answer.data.series
  if (format === 'columnar') {
    const bars = one.columns.time.map(toBar)
    one.columns = Object.fromEntries(Object.keys(one.columns).map(name => [name, bars.map(bar => bar[name])]))
  } else one.bars = one.bars.map(({ time }) => toBar(time))
  return JSON.stringify(answer)
}

/** A walk that is the same in every run. */
function toSeries () {
  let state = 42
  const random = () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31
  const cents = price => Math.round(price * 100) / 100
  let close = 230
  return () => {
    const open = close * (0.995 + 0.01 * random())
    close = open * (0.985 + 0.03 * random())
    const high = Math.max(open, close) * (1 + 0.01 * random())
    const low = Math.min(open, close) * (1 - 0.01 * random())
    return [...[open, high, low, close].map(cents), Math.round(3e7 + 6e7 * random())]
  }
}
