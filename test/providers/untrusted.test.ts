/**
 * Other people's words: each text of each recorded answer is poisoned in turn, and what an adapter makes of it must be
 * plain, short, and in a field that its tool names as untrusted.
 */
import { test } from 'tap'
import type { Capability } from '../../providers/types.ts'
import { TOOLS } from '../../tools/index.ts'
import { answersOf, capabilitiesOf, NAMES } from '../fixtures/worlds.ts'

/** What no text may hold on its way out: tags, control, zero-width and bidirectional characters. */
const FORBIDDEN = /<[/!?a-z][^>]*>|\p{C}/iu
/** The longest text of all is a company's description. */
const MOST_CHARACTERS = 4000
const MARK = 'poison'
const POISONS = [
  (text: string) => `${text}<b>${MARK}</b>\u202e\u200b\u0007`,
  (text: string) => `<b>${MARK}</b>\u202e\u200b\u0007${text}${'y\u{1f4b0}'.repeat(3000)}`,
  // The same in entities, and with a character in the tag that does not show.
  (text: string) => `&lt;b&gt;${MARK}&#60;/b&#x3E;&amp;#60;b>&#8238;&#x200B;<\u200bb>${text}`
].map(poison => (value: unknown) => typeof value === 'string' ? poison(value) : value)

/** Fields whose words are a provider's or an exchange's own: venues, outlets, codes, units. */
const VOCABULARY: Partial<Record<Capability, readonly string[]>> = {
  search: ['symbol', 'exchange', 'type', 'currency'],
  profile: ['exchange', 'sector', 'industry', 'country', 'currency', 'cik', 'peers'],
  news: ['id', 'source', 'symbols'],
  market_status: ['market', 'holiday'],
  financials: ['currency'],
  key_metrics: ['currency'],
  earnings_calendar: ['symbol'],
  corporate_actions: ['currency'],
  insider_trades: ['code'],
  market_movers: ['symbol'],
  economic_calendar: ['country', 'unit'],
  economic_indicator: ['unit'],
  filings: ['form', 'accession', 'cik'],
  etf_holdings: ['symbol', 'isin', 'cusip'],
  index_constituents: ['symbol', 'sector', 'industry', 'cik']
}

const TOOL_NAMES: Partial<Record<Capability, string>> = {
  search: 'search_symbols', profile: 'get_company_profile', economic_calendar: 'get_economic_calendar'
}
const untrustedOf = (capability: Capability) =>
  TOOLS.find(({ name }) => name === (TOOL_NAMES[capability] ?? `get_${capability}`))?.untrusted ?? []

const knownOf = (capability: Capability) => [...untrustedOf(capability), ...VOCABULARY[capability] ?? []]

/** Every text of an answer, with the name of its field: an item of a list goes by the list's. */
function * fieldsOf (value: unknown, field = ''): Generator<[field: string, text: string]> {
  if (typeof value === 'string') yield [field, value]
  if (typeof value !== 'object' || value === null) return
  for (const [name, part] of Object.entries(value)) {
    if (!Array.isArray(value)) yield ['a key', name]
    yield * fieldsOf(part, Array.isArray(value) ? field : name)
  }
}

/** The fields that some provider's words reached. */
const carried = new Map<Capability, Set<string>>()

for (const name of NAMES) {
  for (const capability of capabilitiesOf(name)) {
    test(`${name}: ${capability} holds plain words only, in fields that are known to hold them`, async t => {
      const fields = carried.get(capability) ?? new Set()
      carried.set(capability, fields)
      const faults = new Set<string>()
      for await (const { data } of answersOf(name, capability, POISONS)) {
        for (const [field, text] of fieldsOf(data)) {
          if (FORBIDDEN.test(text)) faults.add(`${field}: ${JSON.stringify(text.slice(0, 80))}`)
          if (text.length > MOST_CHARACTERS) faults.add(`${field}: ${text.length} characters`)
          if (text.toLowerCase().includes(MARK)) fields.add(field)
        }
      }
      t.same([...faults], [])
      t.same([...fields].filter(field => !knownOf(capability).includes(field)), [])
    })
  }
}

test('each field that is known to hold such words holds some provider\'s', t => {
  for (const [capability, fields] of carried) {
    t.same(knownOf(capability).filter(field => !fields.has(field)), [], capability)
  }
  t.end()
})
