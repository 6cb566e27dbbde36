import { useQuery } from '@tanstack/react-query'
import { createContext, use, useCallback, useState, type ReactNode } from 'react'
import { answer, api } from '../api/client.ts'
import { ProblemError } from '../api/problem.ts'
import { queries } from '../api/queries.ts'
import { Dialog } from './dialog.tsx'
import { TextField } from './field.tsx'
import { Form } from './form.tsx'

/** The viewer thought better of it. */
export class Cancelled extends Error {}

type Prove = <T>(work: () => Promise<T>) => Promise<T>
const ProofContext = createContext<Prove>(work => work())

/** Runs a change; where the server wants the password anew, asks for it and runs the change again. */
export const useProof = (): Prove => use(ProofContext)

interface Asked { onProved: () => void, onClose: () => void }

export function ProofProvider ({ children }: { children: ReactNode }) {
  const [asked, setAsked] = useState<Asked>()
  const prove: Prove = useCallback(async work => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ProblemError) || !error.body.proof_required) throw error
      await new Promise<void>((resolve, reject) => {
        setAsked({ onProved: resolve, onClose: () => reject(new Cancelled()) })
      }).finally(() => setAsked(undefined))
      return work()
    }
  }, [])
  return (
    <ProofContext value={prove}>
      {children}
      {asked && <ProofDialog {...asked} />}
    </ProofContext>
  )
}

const IDLE = { pending: false, error: undefined }

function ProofDialog ({ onProved, onClose }: Asked) {
  const { data: admin } = useQuery(queries.admin())
  const [state, setState] = useState<{ pending: boolean, error: Error | undefined }>(IDLE)
  const wantsCode = admin?.totp || (state.error instanceof ProblemError && state.error.body.totp_required)

  async function send ({ password = '', code }: Record<string, string>) {
    setState({ pending: true, error: undefined })
    try {
      await answer(api.POST('/api/admin/proof', { body: { password, ...code && { code } } }))
      onProved()
    } catch (error) {
      setState({ pending: false, error: error as Error })
    }
  }
  return (
    <Dialog title='Give your password again' onClose={onClose}>
      <p>This cannot be taken back, so the server wants to know that it is still you.</p>
      <Form action={state} submit='Go on' onCancel={onClose} onSubmit={send}>
        <input type='hidden' autoComplete='username' value={admin?.name ?? ''} />
        <TextField label='Password' name='password' type='password' autoComplete='current-password' required />
        {wantsCode && (
          <TextField label='Code of your authenticator app, or a recovery code' name='code' autoComplete='one-time-code' required />
        )}
      </Form>
    </Dialog>
  )
}
