import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { ERRORS } from '../../errors.ts'
import { makeCertificate } from '../certificates.ts'
import { parseExposition, type Family } from '../exposition.ts'
import { build } from '../helper.ts'
import { readQuery } from './promql.ts'

const deploy = join(import.meta.dirname, '..', '..', 'deploy')
const read = (file: string) => readFileSync(join(deploy, file), 'utf8')

interface Rule { alert: string, expr: string, annotations: { summary: string, description?: string } }
interface Panel { title: string, targets?: { expr: string }[], panels?: Panel[] }

const rules = (parse(read('prometheus/alerts.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(group => group.rules)
const dashboard = JSON.parse(read('grafana/dashboard.json')) as { panels: Panel[], templating: { list: { name: string, query: unknown }[] } }
const panels = (list: Panel[]): Panel[] => list.flatMap(panel => [panel, ...panels(panel.panels ?? [])])

/** What Prometheus adds to each sample. */
const ADDED = ['job', 'instance']
const CODES = Object.keys(ERRORS)
const ENDS = CODES.map(code => code.replace(/^PROVIDER_/, '').toLowerCase())
const OUTCOMES: Record<string, string[]> = {
  fms_tool_calls_total: ['ok', 'cancelled', ...CODES],
  fms_provider_requests_total: ['ok', 'aborted', '.+_unsent', ...ENDS]
}

/** What a server tells after calls that were answered, out of memory, and failed. */
async function readFamilies (t: Parameters<typeof build>[0]): Promise<Map<string, Family>> {
  const folder = t.testdir({})
  const { cert, key } = await makeCertificate()
  writeFileSync(join(folder, 'cert.pem'), cert)
  writeFileSync(join(folder, 'key.pem'), key)
  const { app, connect } = await build(t, { TLS_CERT_FILE: join(folder, 'cert.pem'), TLS_KEY_FILE: join(folder, 'key.pem') })
  const { get } = await connect({ settings: { provider_order: ['finnhub'], quota: { finnhub: { per_minute: 10 } } } })
  for (const query of ['symbols=AAPL', 'symbols=AAPL', 'symbols=']) await get(`get_quote?${query}`)
  const { token } = await app.admin.createToken({ name: 'test' }, { actor: 'system' })
  const { body } = await app.inject({ url: '/metrics', headers: { host: 'localhost', authorization: `Bearer ${token}` } })
  return parseExposition(body)
}

t.test('every alert and every panel can be read, and names metrics, labels and outcomes that there are', async t => {
  const families = await readFamilies(t)
  const samples = [...families.values()].flatMap(family => family.samples)
  // A histogram that nothing was put into yet has no samples.
  const isMetric = (name: string) => samples.some(sample => sample.name === name) ||
    families.has(name.replace(/_(bucket|sum|count)$/, ''))

  function check (text: string, where: string) {
    const query = readQuery(text)
    const known = new Set(ADDED)
    for (const { metric, matchers } of query.selectors) {
      if (metric === 'up') continue
      t.ok(isMetric(metric), `${where}: ${metric} is a metric`)
      const own = samples.filter(({ name }) => name === metric)
      if (metric.startsWith('fms_')) t.ok(own.length, `${where}: ${metric} has samples`)
      const labels = new Set([...ADDED, ...own.flatMap(sample => Object.keys(sample.labels))])
      for (const { label, values } of matchers) {
        t.ok(labels.has(label), `${where}: ${metric} has the label ${label}`)
        const outcomes = label === 'outcome' ? OUTCOMES[metric] : undefined
        if (outcomes) t.same(values.filter(value => !outcomes.includes(value)), [], `${where}: outcomes of ${metric}`)
      }
      for (const label of labels) known.add(label)
    }
    t.same(query.groupings.filter(label => !known.has(label)), [], `${where}: groups by labels that there are`)
  }

  const page = read('../docs/operations.md')
  const stated = new Set([...page.matchAll(/`(fms_[a-z0-9_]+)[{`]/g)].map(([, name]) => name))
  const own = [...families.keys()].filter(name => name.startsWith('fms_'))
  t.same([...stated].sort(), own.sort(), 'docs/operations.md names every metric of ours, and no other')
  const advised = new Set([...page.matchAll(/`(Fms[A-Za-z0-9]+)`/g)].map(([, name]) => name))
  t.same([...advised].sort(), rules.map(({ alert }) => alert).sort(), 'and says what to do at each alert, and no other')

  t.ok(rules.length > 10)
  for (const { alert, expr } of rules) check(expr, alert)
  const shown = panels(dashboard.panels)
    .flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })))
  t.ok(shown.length > 20)
  for (const { title, expr } of shown) {
    check(expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', 'x').replaceAll('$instance', 'x'), title)
  }
  for (const { name, query } of dashboard.templating.list) {
    const [, metric] = /label_values\((\w+)/.exec(JSON.stringify(query)) ?? []
    if (metric) t.ok(isMetric(metric), `${name}: ${metric} is a metric`)
  }
})
