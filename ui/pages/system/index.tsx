import { useParams } from 'wouter'
import { PageHeader } from '../../components/page-header.tsx'
import { Parts } from '../../components/parts.tsx'
import { NotFound } from '../../layout/not-found.tsx'
import { Account } from './account.tsx'
import { Admins } from './admins.tsx'
import { Keys } from './keys.tsx'
import { Server } from './server.tsx'
import { Tokens } from './tokens.tsx'
import './system.css'

const PARTS = [
  { part: '', title: 'Server', Part: Server },
  { part: 'keys', title: 'Keys and backup', Part: Keys },
  { part: 'admins', title: 'Admins', Part: Admins },
  { part: 'tokens', title: 'Admin tokens', Part: Tokens },
  { part: 'account', title: 'Your account', Part: Account }
]

export default function SystemPage () {
  const { tab = '' } = useParams()
  const shown = PARTS.find(({ part }) => part === tab)
  if (!shown) return <NotFound />
  return (
    <>
      <PageHeader title='System' lead='How the server is, what it keeps secrets by, and who may do all this.' />
      <Parts label='Parts of the system' base='/system' parts={PARTS} shown={tab} />
      <shown.Part />
    </>
  )
}
