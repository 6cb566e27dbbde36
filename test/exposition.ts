/** The text format of Prometheus, read strictly: what is odd in any way throws, as does what `promtool` warns of. */

export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

export interface Family {
  name: string
  type: 'counter' | 'gauge' | 'histogram' | 'summary'
  help: string
  samples: Sample[]
}

const NAME = /^[a-z][a-z0-9_]*$/
const HEADER = /^# (HELP|TYPE) (\S+) (.+)$/
// `Nan` is how the library spells it, and Prometheus reads it in any case.
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (NaN|Nan|[+-]?Inf|-?[\d.]+(?:e[+-]?\d+)?)$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/gy
/** Units that have a base unit, and what belongs to the type and not into the name. */
const UNFIT = /_(ms|milliseconds|minutes|hours|days|kb|mb|gb|megabytes|percent|counter|gauge|histogram|summary)(_|$)/
const SUFFIXES = { counter: [''], gauge: [''], histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'] }

/** @throws where a line is not what the format says, or a metric is not what it says that it is */
export function parseExposition (text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the text does not end with a line break')
  const families = new Map<string, Family>()
  let current: Family | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    // A blank line stands between two families.
    if (line === '') continue
    const [, keyword, name = '', rest = ''] = HEADER.exec(line) ?? []
    if (keyword === 'HELP') {
      if (families.has(name)) throw new Error(`${name} is there twice`)
      families.set(name, current = { name, type: 'gauge', help: rest, samples: [] })
    } else if (keyword === 'TYPE') {
      if (current?.name !== name || current.samples.length) throw new Error(`the type of ${name} does not follow its help`)
      if (!(rest in SUFFIXES)) throw new Error(`${name} has the type ${rest}`)
      current.type = rest as Family['type']
    } else {
      if (!current) throw new Error(`no family before: ${line}`)
      current.samples.push(toSample(line, current))
    }
  }
  for (const family of families.values()) assertWhole(family)
  return families
}

/** The value of one sample; undefined where there is none. */
export function valueOf (
  families: Map<string, Family>, name: string, labels: Record<string, string> = {}
): number | undefined {
  for (const { samples } of families.values()) {
    const found = samples.find(sample => sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    if (found) return found.value
  }
  return undefined
}

function toSample (line: string, { name: family, type }: Family): Sample {
  const [, name, labels, value] = SAMPLE.exec(line) ?? []
  if (name === undefined || value === undefined) throw new Error(`no sample: ${line}`)
  if (!SUFFIXES[type].some(suffix => name === family + suffix)) throw new Error(`${name} stands under ${family}, a ${type}`)
  return { name, labels: toLabels(labels ?? '', line), value: Number(value.replace('Inf', 'Infinity')) }
}

function toLabels (text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  let end = 0
  for (let match = LABEL.exec(text); match; match = end < text.length ? LABEL.exec(text) : null) {
    const [, label = '', value = ''] = match
    if (label in labels) throw new Error(`${label} is there twice: ${line}`)
    labels[label] = value
    end = LABEL.lastIndex
  }
  if (end !== text.length) throw new Error(`the labels cannot be read: ${line}`)
  return labels
}

function assertWhole ({ name, type, help, samples }: Family): void {
  const refuse = (reason: string): never => { throw new Error(`${name}: ${reason}`) }
  if (!NAME.test(name)) refuse('is not a name of lower-case words')
  if (help.length < 8) refuse('has no help')
  if (UNFIT.test(name)) refuse('names a unit that is no base unit, or its type')
  if ((type === 'counter') !== name.endsWith('_total')) refuse(`is a ${type}`)
  if (/_(count|sum|bucket)$/.test(name)) refuse('ends like a part of a histogram')
  const seen = new Set<string>()
  for (const sample of samples) {
    const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()])
    if (seen.has(key)) refuse(`has ${key} twice`)
    seen.add(key)
    if (type === 'counter' && !(sample.value >= 0)) refuse(`counts ${sample.value}`)
  }
  if (type === 'histogram') assertBuckets(name, samples)
}

/** Buckets grow, end with +Inf, and what they end with is the count. */
function assertBuckets (name: string, samples: Sample[]): void {
  const series = new Map<string, Sample[]>()
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels
    const key = JSON.stringify(Object.entries(labels).sort())
    series.set(key, [...series.get(key) ?? [], sample])
  }
  for (const [key, own] of series) {
    const buckets = own.filter(sample => sample.name === `${name}_bucket`)
    const count = own.find(sample => sample.name === `${name}_count`)?.value
    const bounds = buckets.map(({ labels: { le = '' } }) => Number(le.replace('+Inf', 'Infinity')))
    const isGrowing = buckets.every(({ value }, i) =>
      i === 0 || (value >= buckets[i - 1]!.value && bounds[i]! > bounds[i - 1]!))
    if (!isGrowing || bounds.at(-1) !== Infinity || buckets.at(-1)?.value !== count) {
      throw new Error(`${name}: the buckets of ${key} are wrong`)
    }
    if (!own.some(sample => sample.name === `${name}_sum`)) throw new Error(`${name}: ${key} has no sum`)
  }
}
