import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api } from '../../api/client.ts'
import { faultOf } from '../../api/problem.ts'
import type { Connection, ConnectionSettings } from '../../api/types.ts'
import { Card } from '../../components/card.tsx'
import { CheckField, SelectField, TextField } from '../../components/field.tsx'
import { Form } from '../../components/form.tsx'
import { toast } from '../../components/toast.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { DeleteConnection } from './delete-connection.tsx'
import { ProviderOrder } from './provider-order.tsx'
import { TtlList } from './ttl-list.tsx'

const FEEDS = { iex: 'IEX: one exchange, free', sip: 'SIP: all exchanges', delayed_sip: 'SIP, 15 minutes late' } as const
const SCOPES = { session: 'Each session has its own', connection: 'The sessions share it' } as const
const ENVIRONMENTS = { paper: 'Paper', live: 'Live' } as const

export function Settings ({ connection }: { connection: Connection }) {
  const client = useQueryClient()
  const isSample = connection.name === 'sample'
  const [name, setName] = useState(connection.name)
  const [settings, setSettings] = useState(connection.settings)
  const set = (changes: Partial<ConnectionSettings>) => setSettings({ ...settings, ...changes })

  const save = useAction(
    () => answer(api.PATCH('/api/connections/{id}', {
      params: { path: { id: connection.id } },
      body: { ...!isSample && { name }, settings: changesOf(connection.settings, settings) }
    })),
    saved => {
      setName(saved.name)
      setSettings(saved.settings)
      client.invalidateQueries({ queryKey: ['connections'] })
      toast('The settings were saved.')
    }
  )

  return (
    <>
      <Form action={save} submit='Save' className='settings' onSubmit={() => save.run()}>
        <Card title='Providers'>
          {!isSample && (
            <>
              <TextField
                label='Name' value={name} required maxLength={80} error={faultOf(save.error, 'name')}
                onChange={event => setName(event.target.value)}
              />
              <ProviderOrder order={settings.provider_order} onChange={order => set({ provider_order: order })} />
              <CheckField
                label='Ask the next provider too where the first is slow' checked={settings.hedging}
                hint='The first answer counts. It costs more requests.'
                onChange={event => set({ hedging: event.target.checked })}
              />
              <SelectField
                label='Alpaca feed' value={settings.alpaca_feed}
                onChange={event => set({ alpaca_feed: event.target.value as keyof typeof FEEDS })}
              >
                <Options of={FEEDS} />
              </SelectField>
              <SelectField
                label='Alpaca account that the key is of' value={settings.alpaca_environment}
                onChange={event => set({ alpaca_environment: event.target.value as keyof typeof ENVIRONMENTS })}
              >
                <Options of={ENVIRONMENTS} />
              </SelectField>
            </>
          )}
          {isSample && <p>The sample market is asked, and nobody else.</p>}
        </Card>
        <Card title='Cache'>
          <CheckField
            label='Keep answers' checked={settings.caching}
            hint='A question that comes again is answered without a provider.'
            onChange={event => set({ caching: event.target.checked })}
          />
          <SelectField
            label='Whose it is' value={settings.cache_scope} disabled={!settings.caching}
            onChange={event => set({ cache_scope: event.target.value as keyof typeof SCOPES })}
          >
            <Options of={SCOPES} />
          </SelectField>
          <TtlList
            connectionId={connection.id} ttls={settings.ttl_seconds} disabled={!settings.caching}
            onChange={ttls => set({ ttl_seconds: ttls })}
          />
        </Card>
      </Form>
      <DeleteConnection connection={connection} />
    </>
  )
}

const Options = ({ of }: { of: Record<string, string> }) =>
  Object.entries(of).map(([value, title]) => <option key={value} value={value}>{title}</option>)

/** Only what differs is sent: what another tab changed meanwhile stays. */
function changesOf (before: ConnectionSettings, after: ConnectionSettings): Partial<ConnectionSettings> {
  const keys = Object.keys(after) as (keyof ConnectionSettings)[]
  return Object.fromEntries(keys
    .filter(key => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map(key => [key, after[key]]))
}
