import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { answer, api } from '../../api/client.ts'
import type { Connection } from '../../api/types.ts'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { toast } from '../../components/toast.tsx'

export function DeleteConnection ({ connection: { id, name } }: { connection: Connection }) {
  const client = useQueryClient()
  const [, navigate] = useLocation()
  const [isAsking, setAsking] = useState(false)
  return (
    <Card title='Delete this connection' className='danger-zone'>
      <p>Its keys are destroyed for good, and its sessions end.</p>
      <Button look='danger' onClick={() => setAsking(true)}>Delete…</Button>
      {isAsking && (
        <Confirm
          title={`Delete ${name}?`} name={name} submit='Delete' onClose={() => setAsking(false)}
          work={() => answer(api.DELETE('/api/connections/{id}', { params: { path: { id } } }))}
          onDone={() => {
            navigate('/connections')
            client.removeQueries({ queryKey: ['connections', id] })
            client.invalidateQueries({ queryKey: ['connections'] })
            toast(`${name} was deleted.`)
          }}
        >
          <p>Its keys are destroyed for good. Every client that uses it is refused from then on.</p>
        </Confirm>
      )}
    </Card>
  )
}
