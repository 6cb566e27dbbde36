/**
 * Every recorded answer of the providers that one of our requests could get, where the recordings are beside the
 * project: each reads as the exact shape of its capability, or is refused with the code that it deserves.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { Compile } from 'typebox/compile'
import { codeOf, isProblem } from '../errors.ts'
import { parseSymbol, type Instrument } from '../market/symbols.ts'
import { createHttp } from '../providers/http.ts'
import { PROVIDERS } from '../providers/index.ts'
import { createRequests } from '../providers/requests.ts'
import type { Capabilities, Capability } from '../providers/types.ts'
import { DEFAULT_SETTINGS } from '../schemas/control.ts'
import type { ProviderName } from '../schemas/market.ts'
import { SHAPES } from './contracts/shapes.ts'
import { testKey } from './helper.ts'

const shared = join(import.meta.dirname, '..', '..', 'shared')
const script = join(shared, 'tools', 'upstream.mjs')
const options = existsSync(script) ? {} : { skip: `${script} is not there: it is no part of the project` }

const NOW = new Date('2026-06-15T15:00:00Z')
const DAYS = { from: '2015-01-01', to: '2026-12-31' }

type Question = { [C in Capability]: { capability: C, input: Capabilities[C]['input'] } }[Capability]

/** Everything that can be asked, about an instrument. */
function questionsAbout (instrument: Instrument): Question[] {
  const one = { instrument, limit: 200 }
  const instruments = [instrument]
  const bars = { instruments, start: new Date('2019-01-01T05:00:00Z'), end: NOW, limit: 10_000, adjustment: 'split' as const }
  const option = instrument.asset_class === 'stock'
    ? [{ capability: 'options_chain' as const, input: { underlying: instrument, limit: 500 } }]
    : []
  return [
    { capability: 'quote', input: { instruments } },
    { capability: 'bars', input: { ...bars, timeframe: '1day' } },
    { capability: 'bars', input: { ...bars, timeframe: '1day', adjustment: 'raw' } },
    { capability: 'bars', input: { ...bars, timeframe: '1day', adjustment: 'all' } },
    { capability: 'bars', input: { ...bars, timeframe: '5min', adjustment: 'raw' } },
    { capability: 'search', input: { query: instrument.symbol, limit: 50 } },
    { capability: 'profile', input: { instrument } },
    { capability: 'news', input: { instruments, limit: 50 } },
    { capability: 'news', input: { instruments: [], limit: 50 } },
    { capability: 'market_status', input: {} },
    ...(['income', 'balance', 'cash_flow'] as const).flatMap(statement => (['annual', 'quarter', 'ttm'] as const)
      .map(period => ({ capability: 'financials' as const, input: { ...one, statement, period } }))),
    { capability: 'key_metrics', input: { instrument } },
    { capability: 'earnings', input: one },
    { capability: 'earnings_calendar', input: { from: '2026-06-01', to: '2026-06-07', limit: 1000 } },
    { capability: 'corporate_actions', input: { ...one, ...DAYS, types: ['dividend', 'split'] } },
    { capability: 'analyst_ratings', input: one },
    { capability: 'insider_trades', input: { ...one, ...DAYS } },
    { capability: 'institutional_holders', input: one },
    ...(['gainers', 'losers', 'most_active'] as const).flatMap(list => (['stock', 'crypto'] as const)
      .map(kind => ({ capability: 'market_movers' as const, input: { list, asset_class: kind, limit: 50 } }))),
    ...option,
    { capability: 'economic_calendar', input: { from: '2026-06-01', to: '2026-06-30', limit: 1000 } },
    ...(['gdp', 'cpi', 'inflation', 'unemployment_rate', 'inflation_expectation', 'treasury_rates'] as const)
      .map(indicator => ({ capability: 'economic_indicator' as const, input: { indicator, ...DAYS, limit: 1000 } })),
    { capability: 'filings', input: { ...one, ...DAYS } },
    { capability: 'etf_holdings', input: one },
    ...(['I:SPX', 'I:NDX', 'I:DJI'] as const).map(index => ({ capability: 'index_constituents' as const, input: { index, limit: 1000 } })),
    { capability: 'market_calendar', input: { from: '2026-01-01', to: '2026-12-31' } }
  ]
}

const checks = Object.fromEntries(Object.entries(SHAPES).map(([name, shape]) => [name, Compile(shape)]))

interface Recording { file: string, status: number, path: string, query: Record<string, string> }

/** What a refusal may be called, by the status that was recorded. */
const CODES: Record<number, RegExp> = {
  200: /^(SYMBOL_NOT_FOUND|PROVIDER_NOT_ENTITLED|PROVIDER_MALFORMED|PROVIDER_QUOTA)$/,
  400: /^(INVALID_INPUT|SYMBOL_NOT_FOUND|PROVIDER_NOT_ENTITLED)$/,
  401: /^(PROVIDER_REJECTED_KEY|PROVIDER_NOT_ENTITLED)$/,
  402: /^PROVIDER_NOT_ENTITLED$/,
  403: /^(PROVIDER_REJECTED_KEY|PROVIDER_NOT_ENTITLED)$/,
  404: /^(SYMBOL_NOT_FOUND|PROVIDER_MALFORMED|PROVIDER_NOT_ENTITLED)$/,
  429: /^(PROVIDER_QUOTA|PROVIDER_NOT_ENTITLED)$/
}

/** How many answers are read at least, and the recordings that are about something else than any question of ours. */
const EXPECTED: Record<Exclude<ProviderName, 'sample'>, { read: number, elsewhere: string[] }> = {
  alpaca: {
    read: 52,
    elsewhere: [
      'client-tests/v1beta1-news__py-get_news-2.json',
      'client-tests/v1beta1-options-bars__py-multisymbol_get_bars.json',
      'client-tests/v1beta1-screener-stocks-movers__py-get_market_movers.json',
      'client-tests/v1beta3-crypto-us-bars__py-get_crypto_bars.json',
      'client-tests/v1beta3-crypto-us-snapshots__py-crypto_get_snapshot.json',
      'client-tests/v2-stocks-bars__py-multisymbol_get_bars.json',
      'examples/Movers-movers.json',
      'examples/StockSnapshots-snapshots.json'
    ]
  },
  polygon: {
    read: 60,
    elsewhere: [
      'examples/GetOptionsChain.json',
      'examples/GetSnapshots.json',
      'examples/get_etf-global_v1_constituents.json',
      'examples/get_stocks_filings_vX_form-4.json',
      'examples/get_stocks_filings_vX_index.json'
    ]
  },
  fmp: { read: 48, elsewhere: ['live/economic_indicator.json'] },
  finnhub: {
    read: 33,
    elsewhere: ['examples/economic-data.json', 'examples/etfs-holdings.json', 'examples/indices-constituents.json']
  }
}

async function startSimulator (t: Test) {
  const child = spawn('sh', ['-c', 'unset NODE_OPTIONS; exec "$@"', 'sh', process.execPath, script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill())
  const line = await new Promise<string>(resolve => createInterface(child.stdout).once('line', resolve))
  const { port, base } = JSON.parse(line) as { port: number, base: Record<string, string> }
  const send = async (path: string, body?: object) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, body ? { method: 'POST', body: JSON.stringify(body) } : {})
    return response.json() as Promise<any>
  }
  return { base, send }
}

type AnyAdapter = { fetch: (input: unknown, call: unknown) => Promise<{ data: unknown }> }

function toAsker (base: Record<string, string>, http: ReturnType<typeof createHttp>, name: ProviderName) {
  const requests = createRequests({
    http,
    quota: { ledgerOf: () => name, take: async () => {}, observe: () => {}, limited: (_key, seconds) => seconds ?? 60 },
    rejectedKeys: { remember: () => {}, find: () => undefined, forget: () => {} },
    refusalsOf: async () => [],
    learn: () => {}
  })
  return async ({ capability, input }: Question): Promise<unknown> => {
    const provider = PROVIDERS[name]
    const call = requests.open({
      connectionId: 'test', provider, credential: testKey(name), settings: DEFAULT_SETTINGS, signal: AbortSignal.timeout(20_000), now: NOW, capability, refusals: []
    })
    const adapter = provider.capabilities[capability] as AnyAdapter
    return (await adapter.fetch(input, call)).data
  }
}

/** A symbol in any provider's spelling; undefined where it is none, or a word. */
function toInstrument (word: string): Instrument | undefined {
  const symbol = decodeURIComponent(word)
    .replace(/^O:/, '')
    .replace(/^\^GSPC$/, 'I:SPX')
    .replace(/^[XC]:(\w{3,5})(\w{3})$/, '$1/$2')
    .replace(/^(BTC|ETH|EUR|GBP)(USD|EUR|JPY)$/, '$1/$2')
    .replace(/^([A-Z]{1,5})-([A-Z])$/, '$1.$2')
  if (!/^[A-Z]{1,5}(\.[A-Z])?$|^[A-Z]{3,5}\/[A-Z]{3}$|^I:[A-Z]+$|^[A-Z]{1,5}\d{6}[CP]\d{8}$/.test(symbol)) return undefined
  try { return parseSymbol(symbol) } catch { return undefined }
}

/** The words of a body that name what it is about: under the usual names, or keys of a map by symbol. */
function wordsIn (body: unknown): string[] {
  if (Array.isArray(body)) return body.slice(0, 3).flatMap(wordsIn)
  if (typeof body !== 'object' || body === null) return []
  const entries = Object.entries(body)
  const named = entries.flatMap(([name, value]) => /^(symbol|ticker|underlying_ticker|T)$/.test(name) && typeof value === 'string' ? [value] : [])
  const keys = entries.flatMap(([name, value]) => typeof value === 'object' && /^[A-Z]/.test(name) ? [name] : [])
  return [...named, ...keys, ...entries.flatMap(([, value]) => wordsIn(value))]
}

/** The instrument that a recording is about, as far as it can be told. */
function instrumentOf ({ file, path, query }: Recording, name: ProviderName): Instrument {
  const { response } = JSON.parse(readFileSync(join(shared, 'providers', name, 'recorded', file), 'utf8')) as { response: { body: unknown } }
  const asked = ['symbol', 'symbols', 'ticker', 'tickers', 'ticker.any_of'].map(key => query[key] ?? '')
  const words = [...asked, ...wordsIn(response.body), ...path.split('/').reverse()].flatMap(word => word.split(','))
  for (const word of words) {
    const instrument = toInstrument(word)
    if (instrument) return instrument
  }
  return parseSymbol('AAPL')
}

const canAsk = (name: ProviderName, { capability, input }: Question) => {
  const adapter = PROVIDERS[name].capabilities[capability]
  const { instruments = [], instrument, underlying } = input as Partial<Record<string, any>>
  const asked: Instrument[] = [...instruments, instrument, underlying].filter(Boolean)
  return adapter !== undefined && asked.every(({ asset_class: kind }) => adapter.asset_classes?.includes(kind) ?? true)
}

for (const name of ['alpaca', 'polygon', 'fmp', 'finnhub'] as const) {
  t.test(`every recorded answer of ${name} that we can get is read exactly, or refused rightly`, { ...options, timeout: 600_000 }, async t => {
    const { base, send } = await startSimulator(t)
    const http = createHttp({ urls: { ...base } })
    t.teardown(() => http.close())
    const ask = toAsker(base, http, name)
    const recordings = JSON.parse(readFileSync(join(shared, 'providers', name, 'recorded', 'index.json'), 'utf8')) as Recording[]
    const routes = await findRoutes(name, ask, send)
    const counts = { read: 0, refused: 0, unused: 0 }
    const malformed: string[] = []
    for (const recording of recordings) {
      const instrument = instrumentOf(recording, name)
      const kinds = routes.filter(({ pattern }) => pattern.test(recording.path)).map(route => route.kinds)
      const questions = questionsAbout(instrument)
        .filter(question => canAsk(name, question) && kinds.some(known => known.has(kindOf(question))))
      await send('/__pin', { clear: true })
      await send('/__pin', { fixture: `${name}/recorded/${recording.file}` })
      let used = false
      for (const question of questions) {
        await send('/__reset', {})
        const outcome = await ask(question).catch((error: Error) => error)
        const { matches } = await send('/__report')
        if (!Object.keys(matches).some(match => match.endsWith(' pinned'))) continue
        used = true
        const label = `${recording.file}: ${question.capability} of ${instrument.symbol}`
        if (outcome instanceof Error) {
          const code = isProblem(outcome) ? codeOf(outcome) : 'not a problem of the table'
          if (!CODES[recording.status]?.test(code)) t.fail(`${label}: ${recording.status} became ${code}: ${outcome.stack}`)
          if (code === 'PROVIDER_MALFORMED') malformed.push(`${label}: ${outcome.message}`)
          counts.refused++
        } else {
          const check = checks[question.capability]!
          if (!check.Check(outcome)) t.fail(`${label}: ${JSON.stringify(check.Errors(outcome).slice(0, 3))}`)
          counts.read++
        }
      }
      if (!used) counts.unused++
    }
    t.comment(`${recordings.length} recordings: ${JSON.stringify(counts)}`)
    for (const line of malformed) t.comment(`malformed: ${line}`)
    const { read, elsewhere } = EXPECTED[name]
    t.ok(counts.read >= read, `${counts.read} answers were read`)
    t.same([...new Set(malformed.map(line => line.split(':')[0]))].sort(), elsewhere, 'what cannot be read is about something else')
  })
}

/** A question without its instrument. */
function kindOf ({ capability, input }: Question): string {
  const { instruments, instrument, underlying, query, ...rest } = input as Record<string, unknown>
  return JSON.stringify([capability, Array.isArray(instruments) && instruments.length, rest])
}

/** For each operation of the provider, the kinds of questions that lead to it: found out by asking each once. */
async function findRoutes (
  name: ProviderName, ask: (question: Question) => Promise<unknown>, send: (path: string, body?: object) => Promise<any>
): Promise<{ pattern: RegExp, kinds: Set<string> }[]> {
  const kinds = new Map<string, Set<string>>()
  for (const symbol of ['AAPL', 'BTC/USD', 'EUR/USD', 'I:SPX', 'AAPL261218C00250000']) {
    for (const question of questionsAbout(parseSymbol(symbol)).filter(question => canAsk(name, question))) {
      await send('/__reset', {})
      await ask(question).catch(() => {})
      const { operations } = await send('/__report')
      for (const operation of Object.keys(operations)) {
        kinds.set(operation, (kinds.get(operation) ?? new Set()).add(kindOf(question)))
      }
    }
  }
  return [...kinds].map(([operation, kinds]) => {
    const template = operation.replace(/^\S+ GET /, '').replace(/[.+^$()|[\]]/g, '\\$&').replace(/\{[^}]+\}/g, '[^/]+')
    return { pattern: new RegExp(`^${template}$`), kinds }
  })
}
