import { X } from 'lucide-react'
import type { ProviderName } from '../../api/types.ts'
import { Button } from '../../components/button.tsx'
import { OrderList } from '../../components/order-list.tsx'
import { KEYED, titleOf } from '../../providers.ts'

export interface ProviderOrderProps {
  order: ProviderName[]
  onChange: (order: ProviderName[]) => void
}

/** Who is asked, in which order; who is left out is never asked. */
export function ProviderOrder ({ order, onChange }: ProviderOrderProps) {
  const others = KEYED.filter(provider => !order.includes(provider))
  return (
    <fieldset className='field'>
      <legend>Asked in this order</legend>
      <OrderList
        label='Providers in the order in which they are asked' items={order} titleOf={titleOf} onChange={onChange}
        aside={provider => (
          <Button
            look='quiet' size='small' aria-label={`Do not ask ${titleOf(provider)}`}
            onClick={() => onChange(order.filter(other => other !== provider))}
          >
            <X aria-hidden />
          </Button>
        )}
      />
      {order.length === 0 && <p className='fault'>Nobody is asked: every call of this connection fails.</p>}
      {others.length > 0 && (
        <div className='buttons'>
          {others.map(provider => (
            <Button key={provider} size='small' onClick={() => onChange([...order, provider])}>Ask {titleOf(provider)} too</Button>
          ))}
        </div>
      )}
      <p className='hint'>Drag a provider by its handle, or move it with the arrow keys. The next one is asked where one fails.</p>
    </fieldset>
  )
}
