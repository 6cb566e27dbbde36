import type { Connection, CredentialStatus } from '../../api/types.ts'
import { Badge, type Tone } from '../../components/badge.tsx'
import { titleOf } from '../../providers.ts'

/** How the last test of a key ended, in a word. */
export function toState ({ test_status: status }: Pick<CredentialStatus, 'test_status'>): { tone: Tone, word: string } {
  if (status === null) return { tone: 'neutral', word: 'not tested' }
  if (status === 'ok') return { tone: 'good', word: 'works' }
  if (status.endsWith('PROVIDER_REJECTED_KEY')) return { tone: 'bad', word: 'refused' }
  if (status.endsWith('PROVIDER_NOT_ENTITLED')) return { tone: 'warn', word: 'smaller plan' }
  return { tone: 'warn', word: 'could not be tested' }
}

/** One badge a stored key. */
export function KeyBadges ({ connection: { credentials, name } }: { connection: Connection }) {
  if (name === 'sample') return <Badge tone='info'>needs no key</Badge>
  if (!credentials.length) return <Badge tone='warn'>no key yet</Badge>
  return (
    <span className='badges'>
      {credentials.map(credential => {
        const { tone, word } = toState(credential)
        return <Badge key={credential.provider} tone={tone}>{titleOf(credential.provider)}: {word}</Badge>
      })}
    </span>
  )
}
