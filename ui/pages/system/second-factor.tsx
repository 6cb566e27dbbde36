import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api } from '../../api/client.ts'
import type { Admin, Answer } from '../../api/types.ts'
import { Badge } from '../../components/badge.tsx'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { Confirm } from '../../components/confirm.tsx'
import { Code } from '../../components/copy.tsx'
import { TextField } from '../../components/field.tsx'
import { Form } from '../../components/form.tsx'
import { ErrorNote, Note } from '../../components/note.tsx'
import { QrCode } from '../../components/qr-code.tsx'
import { toast } from '../../components/toast.tsx'
import { useAction } from '../../hooks/use-action.ts'

type Enrolment = Answer<'/api/admin/totp', 'post'>

/** With this few recovery codes it is time for new ones. */
const FEW_CODES = 3

/** Codes of an authenticator app beside the password: off, being turned on, or on. */
export function SecondFactor ({ admin: { totp, recovery_codes_left: left } }: { admin: Admin }) {
  const client = useQueryClient()
  const [enrolment, setEnrolment] = useState<Enrolment>()
  // Shown this once.
  const [codes, setCodes] = useState<string[]>()
  const [isTurningOff, setTurningOff] = useState(false)
  const refresh = () => Promise.all([['admin'], ['admins']].map(queryKey => client.invalidateQueries({ queryKey })))
  const start = useAction(() => answer(api.POST('/api/admin/totp')), setEnrolment)
  return (
    <Card title='Second factor' aside={<Badge tone={totp ? 'good' : 'neutral'}>{totp ? 'on' : 'off'}</Badge>}>
      {codes && <RecoveryCodes codes={codes} />}
      {!totp && !enrolment && (
        <>
          <p>A login then needs a code of an authenticator app too: who learns your password does not get in by it.</p>
          <ErrorNote error={start.error} />
          <Button pending={start.pending} onClick={() => start.run()}>Turn it on…</Button>
        </>
      )}
      {!totp && enrolment && (
        <Enrol
          enrolment={enrolment} onClose={() => setEnrolment(undefined)} onOn={recovery => {
            setCodes(recovery)
            setEnrolment(undefined)
            refresh()
          }}
        />
      )}
      {totp && (
        <>
          <p>A login needs a code of your authenticator app. {left} of 10 recovery codes are left.</p>
          {left !== null && left <= FEW_CODES && <Note tone='warn'><p>Turn it off and on again for new recovery codes.</p></Note>}
          <Button look='danger' onClick={() => setTurningOff(true)}>Turn it off…</Button>
        </>
      )}
      {isTurningOff && (
        <Confirm
          title='Turn the second factor off?' submit='Turn it off' onClose={() => setTurningOff(false)}
          work={() => answer(api.DELETE('/api/admin/totp'))}
          onDone={() => {
            setTurningOff(false)
            setCodes(undefined)
            refresh()
            toast('The second factor is off.')
          }}
        >
          <p>The password alone then lets in, and the recovery codes are gone.</p>
        </Confirm>
      )}
    </Card>
  )
}

interface EnrolProps { enrolment: Enrolment, onOn: (recoveryCodes: string[]) => void, onClose: () => void }

function Enrol ({ enrolment: { secret, uri }, onOn, onClose }: EnrolProps) {
  const confirm = useAction(
    (code: string) => answer(api.POST('/api/admin/totp/confirm', { body: { code } })), ({ recovery_codes: codes }) => onOn(codes)
  )
  return (
    <div className='one-time'>
      <QrCode text={uri} label='The second factor as a QR code' />
      <div>
        <p>Take this code with your authenticator app, or type the secret into it.</p>
        <Code text={secret} of='the secret' />
        <Form action={confirm} submit='Turn it on' onCancel={onClose} onSubmit={({ code = '' }) => confirm.run(code.replace(/\s/g, ''))}>
          <TextField
            label='Code that the app shows' name='code' required inputMode='numeric' pattern='[0-9 ]{6,7}' maxLength={7}
            autoComplete='one-time-code' className='mono'
          />
        </Form>
      </div>
    </div>
  )
}

function RecoveryCodes ({ codes }: { codes: string[] }) {
  return (
    <Note tone='good' title='Recovery codes, shown this once'>
      <p>Keep them where the app is not. Each lets you in once, should you lose it.</p>
      <Code text={codes.join('\n')} of='the recovery codes' />
    </Note>
  )
}
