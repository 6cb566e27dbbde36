import { useEffect, useMemo, useRef, useState } from 'react'
import type { Connection, Tool } from '../../api/types.ts'
import { Card } from '../../components/card.tsx'
import { Skeleton } from '../../components/loading.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { AnswerView } from './answer-view.tsx'
import { callTool, type Answered, type Arguments } from './call.ts'
import { Elsewhere } from './elsewhere.tsx'
import { toArguments, toFields, toFirstValues, type Values } from './fields.ts'
import { ProblemNote } from './problem-note.tsx'
import { forget, recall, remember } from './remembered.ts'
import { ToolForm } from './tool-form.tsx'

/** A tool's form, and what came of its last call. */
export function ToolPanel ({ tool, connection }: { tool: Tool, connection: Connection }) {
  const fields = useMemo(() => toFields(tool.input_schema), [tool])
  const [values, setValues] = useState(() => recall(tool.name, fields))
  const [answered, setAnswered] = useState<Answered>()
  const action = useAction(
    async (args: Arguments): Promise<Answered> => ({ args, trial: await callTool(connection.id, tool.name, args) }),
    setAnswered
  )
  function change (next: Values) {
    setValues(next)
    remember(tool.name, next)
  }
  return (
    <>
      <Card title={tool.title} aside={<code>{tool.name}</code>} className='tool-card'>
        <p className='about'><Marked text={tool.description} /></p>
        <ToolForm
          fields={fields} values={values} action={action} onChange={change} onCall={args => action.run(args)}
          onReset={() => {
            forget(tool.name)
            setValues(toFirstValues(fields))
          }}
        />
        <Elsewhere tool={tool.name} args={toArguments(fields, values)} />
      </Card>
      <Outcome
        {...{ tool, connection, answered, action }}
        onNext={cursor => action.run({ ...answered?.args, cursor })}
        onSuggestion={symbol => change({ ...values, ...values['symbol'] === undefined ? { symbols: symbol } : { symbol } })}
      />
    </>
  )
}

/** Names of arguments stand between backticks. */
const Marked = ({ text }: { text: string }) =>
  text.split('`').map((part, i) => i % 2 ? <code key={i}>{part}</code> : part)

interface OutcomeProps {
  tool: Tool
  connection: Connection
  answered: Answered | undefined
  action: { pending: boolean, error: Error | undefined }
  onNext: (cursor: string) => void
  onSuggestion: (symbol: string) => void
}

function Outcome ({ tool, connection, answered, action: { pending, error }, onNext, onSuggestion }: OutcomeProps) {
  const place = useRef<HTMLDivElement>(null)
  const came = error ?? answered
  useEffect(() => {
    // On a phone it comes below what is seen.
    if (came) place.current?.scrollIntoView({ block: 'nearest' })
  }, [came])
  if (!pending && error) return <div ref={place}><ProblemNote error={error} onSuggestion={onSuggestion} /></div>
  if (!answered) return pending ? <Card title='Answer'><div role='status' aria-label='Calling'><Skeleton lines={8} /></div></Card> : null
  return (
    <div ref={place} aria-busy={pending || undefined} className={pending ? 'outcome waiting' : 'outcome'}>
      <AnswerView tool={tool} connection={connection} answered={answered} pending={pending} onNext={onNext} />
    </div>
  )
}
