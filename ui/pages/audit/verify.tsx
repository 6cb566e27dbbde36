import { useState } from 'react'
import { answer, api } from '../../api/client.ts'
import type { Answer } from '../../api/types.ts'
import { Card } from '../../components/card.tsx'
import { Code } from '../../components/copy.tsx'
import { TextField } from '../../components/field.tsx'
import { Form } from '../../components/form.tsx'
import { Note } from '../../components/note.tsx'
import { Time } from '../../components/time.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { REASONS } from './words.ts'

type Verification = Answer<'/api/audit/verify'>
interface Result { verification: Verification, at: string, tookMs: number }

/** Whether the log is what the server wrote. */
export function Verify () {
  const [result, setResult] = useState<Result>()
  const verify = useAction(async (head: string) => {
    const startedAt = performance.now()
    const verification = await answer(api.GET('/api/audit/verify', { params: { query: head ? { head } : {} } }))
    return { verification, at: new Date().toISOString(), tookMs: performance.now() - startedAt }
  }, setResult)
  return (
    <Card title='Is it what was written?'>
      <p className='hint'>
        Each event holds a hash of itself and of the one before, under a key of the server. All of them are read again.
      </p>
      <Form action={verify} submit='Verify' onSubmit={({ head = '' }) => verify.run(head.trim())}>
        <TextField
          label='A head noted earlier' name='head' className='mono' pattern='[0-9]{1,15}:[0-9a-f]{64}' placeholder='8210:5c9f…'
          hint='If you have one: that event must still be there. It alone shows a log that was set back as a whole.'
        />
      </Form>
      <div role='status' className='verified'>{!verify.pending && !verify.error && result && <Outcome {...result} />}</div>
    </Card>
  )
}

function Outcome ({ verification: { ok, rows, from_seq: from, head, broken }, at, tookMs }: Result) {
  const took = tookMs < 1000
    ? `${Math.ceil(tookMs)} ms`
    : `${(tookMs / 1000).toLocaleString(undefined, { maximumFractionDigits: 1 })} s`
  const when = <>Verified <Time at={at} precise />, in {took}.</>
  const count = rows.toLocaleString()
  return (
    <>
      {ok
        ? (
          <Note tone='good' title={`The log is whole: ${count} events from number ${from} on`}>
            <p>{when}</p>
          </Note>
          )
        : (
          <Note tone='bad' title='The log is not what was written'>
            <p>
              Event {broken?.seq}: {REASONS[broken?.reason ?? ''] ?? broken?.reason}. The {count} events before it are whole.
            </p>
            <p>{when} Keep an export, and see docs/audit.md for what to do.</p>
          </Note>
          )}
      <p className='hint'>The head; note it elsewhere, to be given above another time:</p>
      <Code text={`${head.seq}:${head.hash}`} of='the head' />
    </>
  )
}
