import { useQuery } from '@tanstack/react-query'
import { CircleCheck, TriangleAlert } from 'lucide-react'
import { Badge } from '../../components/badge.tsx'
import { Card } from '../../components/card.tsx'
import { Loaded, Skeleton } from '../../components/loading.tsx'
import { Time } from '../../components/time.tsx'
import { useNow } from '../../hooks/use-now.ts'
import { CacheCard } from './cache-card.tsx'
import { toDuration, toSize } from './format.ts'
import { systemQueries, type System } from './queries.ts'

const DAY_MS = 86_400_000
/** Who renews certificates does it about a month before their end. */
const SOON_MS = 14 * DAY_MS

/** How the server is, asked for every few seconds. */
export function Server () {
  const system = useQuery(systemQueries.system())
  return (
    <Loaded query={system} skeleton={<Skeleton lines={12} className='of-table' />}>
      {system => (
        <>
          <Dependencies {...system} />
          <div className='cards'>
            <ProcessCard {...system} />
            <DatabaseCard {...system} />
            <CacheCard />
          </div>
        </>
      )}
    </Loaded>
  )
}

function Dependencies ({ dependencies }: System) {
  const down = dependencies.filter(({ state }) => state === 'down').length
  return (
    <Card title='Health' aside={down ? <Badge tone='bad'>{down} down</Badge> : <Badge tone='good'>all well</Badge>}>
      <ul className='health'>
        {dependencies.map(({ name, state, message }) => (
          <li key={name} className={state}>
            {state === 'ok' ? <CircleCheck role='img' aria-label='Well:' /> : <TriangleAlert role='img' aria-label='Down:' />}
            <span>{message}</span>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function ProcessCard ({ version, node, replica, tls, audit }: System) {
  return (
    <Card title='Server'>
      <dl className='facts'>
        <dt>Version</dt><dd>{version}, Node {node}</dd>
        <dt>Host</dt><dd>{replica.host}</dd>
        <dt>Running</dt><dd>{toDuration(replica.uptime_seconds)}, since <Time at={replica.started_at} /></dd>
        <dt>Memory</dt><dd>{toSize(replica.memory_bytes)}</dd>
        <dt>TLS</dt><dd>{tls ? <Certificate expiresAt={tls.expires_at} /> : 'none: it speaks http'}</dd>
        <dt>Audit</dt>
        <dd>
          {audit.dropped
            ? <Badge tone='bad'>{audit.dropped.toLocaleString()} events lost</Badge>
            : audit.waiting ? `${audit.waiting.toLocaleString()} events are being written` : 'every event is written'}
        </dd>
      </dl>
      <p className='hint'>Of the process that answers, where several serve together: <code>{replica.id.slice(0, 8)}</code>.</p>
    </Card>
  )
}

function Certificate ({ expiresAt }: { expiresAt: string }) {
  const left = Date.parse(expiresAt) - useNow(60_000)
  const words = left < 0 ? 'The certificate has expired' : 'The certificate expires'
  return (
    <>
      {words} <Time at={expiresAt} relative />
      {left < SOON_MS && <> <Badge tone={left < 0 ? 'bad' : 'warn'}>renew it</Badge></>}
    </>
  )
}

function DatabaseCard ({ database: { kind, version, size_bytes: size, migrations }, redis, cache }: System) {
  return (
    <Card title='Database'>
      <dl className='facts'>
        <dt>Postgres</dt><dd>{version ?? 'does not answer'}, {kind === 'embedded' ? 'embedded' : 'your own'}</dd>
        <dt>Size</dt><dd>{size === null ? 'unknown' : toSize(size)}</dd>
        <dt>Redis</dt><dd>{redis ? redis.version ?? 'does not answer' : 'not used'}</dd>
        <dt>Answers are kept in</dt><dd>{cache.store.name === 'redis' ? 'Redis' : 'Postgres'} and memory</dd>
        <dt>Migrations</dt><dd>{migrations ? `${migrations.length} run` : 'unknown'}</dd>
      </dl>
      {migrations && migrations.length > 0 && (
        <details>
          <summary>The migrations</summary>
          <ol className='migrations mono'>{migrations.map(name => <li key={name}>{name}</li>)}</ol>
        </details>
      )}
    </Card>
  )
}
