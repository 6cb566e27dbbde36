import { useQueryClient } from '@tanstack/react-query'
import { ExternalLink } from 'lucide-react'
import { useState } from 'react'
import { answer, api } from '../../api/client.ts'
import type { Connection, CredentialStatus, ProviderInfo, ProviderUsage } from '../../api/types.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { ErrorNote } from '../../components/note.tsx'
import { Time } from '../../components/time.tsx'
import { toast } from '../../components/toast.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { PROVIDERS, type KeyedProvider } from '../../providers.ts'
import { toState } from '../connections/key-badges.tsx'
import { KeyForm } from './key-form.tsx'
import { PlanFacts } from './plan-facts.tsx'

export interface KeyCardProps {
  connection: Connection
  provider: KeyedProvider
  info: ProviderInfo | undefined
  usage: ProviderUsage | undefined
}

/** One provider's key: put in, tested, replaced, removed, and never shown. */
export function KeyCard ({ connection, provider, info, usage }: KeyCardProps) {
  const [isReplacing, setReplacing] = useState(false)
  const credential = connection.credentials.find(credential => credential.provider === provider)
  const { title, keyHint } = PROVIDERS[provider]
  const isAsked = connection.settings.provider_order.includes(provider)
  return (
    <Card title={title} aside={<State credential={credential} />} className='key-card'>
      {!isAsked && <p className='hint'>It is not in this connection’s order, so it is not asked. See the settings.</p>}
      {credential && !isReplacing
        ? <Stored {...{ connection, provider, info, credential, usage }} onReplace={() => setReplacing(true)} />
        : (
          <>
            <p>
              {info?.key_url && (
                <a href={info.key_url} target='_blank' rel='noreferrer'>Get a key <ExternalLink aria-hidden /></a>
              )}
              <span className='hint'> {keyHint}</span>
            </p>
            <KeyForm
              connection={connection} provider={provider} fields={info?.credential_fields ?? []}
              onSaved={() => setReplacing(false)}
              onCancel={isReplacing ? () => setReplacing(false) : undefined}
            />
          </>
          )}
    </Card>
  )
}

function State ({ credential }: { credential: CredentialStatus | undefined }) {
  if (!credential) return <Badge>no key</Badge>
  const { tone, word } = toState(credential)
  return <Badge tone={tone}>{word}</Badge>
}

interface StoredProps extends KeyCardProps {
  credential: CredentialStatus
  onReplace: () => void
}

function Stored ({ connection: { id }, provider, credential, usage, onReplace }: StoredProps) {
  const client = useQueryClient()
  const [isRemoving, setRemoving] = useState(false)
  const { title } = PROVIDERS[provider]
  const path = { id, provider }
  const refresh = () => client.invalidateQueries({ queryKey: ['connections'] })
  const test = useAction(
    () => answer(api.POST('/api/connections/{id}/credentials/{provider}/test', { params: { path } })), refresh
  )
  return (
    <>
      <dl className='facts'>
        <dt>Fingerprint</dt><dd className='mono'>{credential.fingerprint}</dd>
        <dt>Stored</dt><dd><Time at={credential.set_at} relative /></dd>
        <dt>Last test</dt>
        <dd>
          {credential.tested_at
            ? <><Time at={credential.tested_at} relative />, {Math.round(credential.test_latency_ms ?? 0)} ms</>
            : 'never'}
        </dd>
      </dl>
      {credential.test_message && <p className='said'>{credential.test_message}</p>}
      <PlanFacts usage={usage} />
      <ErrorNote error={test.error} />
      <div className='buttons'>
        <Button size='small' pending={test.pending} onClick={() => test.run()}>Test</Button>
        <Button size='small' onClick={onReplace}>Replace</Button>
        <Button size='small' look='danger' onClick={() => setRemoving(true)}>Remove</Button>
      </div>
      {isRemoving && (
        <Confirm
          title={`Remove the ${title} key?`} submit='Remove' onClose={() => setRemoving(false)}
          work={() => answer(api.DELETE('/api/connections/{id}/credentials/{provider}', { params: { path } }))}
          onDone={() => {
            refresh()
            toast(`The ${title} key was removed.`)
          }}
        >
          <p>It is destroyed for good; clients of this connection get no more data of {title}.</p>
        </Confirm>
      )}
    </>
  )
}
