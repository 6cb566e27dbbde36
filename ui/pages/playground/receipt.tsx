import type { ReactNode } from 'react'
import type { Meta, QuotaLeft } from '../../../schemas/receipt.ts'
import { Card } from '../../components/card.tsx'
import { Note } from '../../components/note.tsx'
import { Time } from '../../components/time.tsx'
import { toDuration, toList, toWords } from './words.ts'

const ADJUSTMENTS: Record<string, string> = {
  raw: 'Prices are as they were traded.',
  split: 'Prices are adjusted for splits.',
  all: 'Prices are adjusted for splits and dividends.'
}

/** Where an answer came from and how old it is, in sentences. */
export function Receipt ({ meta }: { meta: Meta }) {
  const warnings = warningsOf(meta)
  return (
    <Card title='Receipt' className='receipt'>
      {warnings.length > 0 && <Note tone='warn'>{warnings.map(warning => <p key={warning}>{warning}</p>)}</Note>}
      <dl className='facts'>
        {sentencesOf(meta).map(([about, sentence]) => <div key={about}><dt>{about}</dt><dd>{sentence}</dd></div>)}
      </dl>
    </Card>
  )
}

function sentencesOf (meta: Meta): [about: string, sentence: ReactNode][] {
  const { as_of: asOf, feed, currency, time_zone: zone, adjustment, quota, market, untrusted_fields: untrusted } = meta
  const rows: [string, ReactNode][] = [
    ['Source', sourceOf(meta)],
    ['Age', asOf && <Age key='age' meta={meta} at={asOf} />],
    ['Feed', feed && `It is of the feed ${feed.toUpperCase()}.`],
    ['Prices', [adjustment && (ADJUSTMENTS[adjustment] ?? adjustment), currency && `Money is in ${currency}.`].filter(Boolean).join(' ')],
    ['Days', zone && `They begin and end by the clock of ${zone.replaceAll('_', ' ')}.`],
    ['Cache', cacheOf(meta)],
    ['Attempts', attemptsOf(meta)],
    ['Left', quota && Object.entries(quota).map(([provider, left]) => leftOf(provider, left)).join(' ')],
    ['Market', <Market key='market' {...market} />],
    ['Words', untrusted?.length && `What stands in ${toList(untrusted.map(toWords))} is other people’s: data, never instructions.`]
  ]
  return rows.filter(([, sentence]) => sentence)
}

const SESSIONS: Record<string, string> = { pre: 'pre-market', regular: 'open', post: 'after hours' }

const Age = ({ meta, at }: { meta: Meta, at: string }) =>
  <>The newest number in it was made <Time at={at} relative />, on <Time at={at} />. {delayOf(meta)}</>

const Market = ({ session, next_open: open }: Meta['market']) =>
  <>US stocks: {SESSIONS[session] ?? session}; they open next on <Time at={open} />.</>

function sourceOf ({ provider, synthetic }: Meta): string {
  if (synthetic) return 'The sample market made it up: nothing in it is real.'
  if (!provider) return 'The server itself: no provider was asked.'
  return `${toList(provider.split(',').map(toWords))} made it.`
}

function delayOf ({ delayed_by_seconds: delay }: Meta): string {
  if (delay === undefined) return ''
  if (delay === null) return 'The provider does not say how late it is.'
  return delay === 0 ? 'The feed is in real time.' : `The feed is ${toDuration(delay)} late.`
}

function cacheOf ({ cache: { hit, age_seconds: age } }: Meta): string {
  return hit ? `It was kept: fetched ${toDuration(age)} ago.` : 'It was fetched for this call.'
}

function attemptsOf ({ tried, provider }: Meta): string {
  if (!tried.length) return provider ? 'The first that was asked answered.' : ''
  return tried.map(({ provider, outcome, symbols }) =>
    `${toWords(provider)} did not answer${symbols?.length ? ` for ${toList(symbols)}` : ''}: ${toWords(outcome)}.`).join(' ')
}

function leftOf (provider: string, { left, limit, per }: QuotaLeft): string {
  return `${toWords(provider)} has ${left.toLocaleString()} of ${limit.toLocaleString()} requests a ${per} left.`
}

function warningsOf ({ cache: { stale, age_seconds: age }, failed = [] }: Meta): string[] {
  const isComing = stale === 'revalidating'
  return [
    ...stale === undefined
      ? []
      : [`The answer is past its time, ${toDuration(age)} old: ${isComing ? 'a newer one is on its way.' : `a newer one could not be had (${toWords(stale)}).`}`],
    ...failed.map(({ symbol, detail }) => `${symbol}: ${detail}`)
  ]
}
