import { Circle, CircleCheck } from 'lucide-react'
import { Link } from 'wouter'
import { Card } from '../../components/card.tsx'
import type { Step } from './steps.ts'

/** What is left to do before the first call; gone once all of it is done. */
export function Checklist ({ steps }: { steps: Step[] }) {
  const done = steps.filter(({ isDone }) => isDone).length
  if (done === steps.length) return null
  const next = steps.find(({ isDone }) => !isDone)
  return (
    <Card title='Get started' aside={<span className='hint'>{done} of {steps.length} done</span>}>
      <ol className='checklist'>
        {steps.map(step => (
          <li key={step.title} className={step.isDone ? 'done' : undefined}>
            {step.isDone ? <CircleCheck aria-label='Done:' role='img' /> : <Circle aria-label='To do:' role='img' />}
            <div>
              <strong>{step.title}</strong>
              <p className='hint'>{step.text}</p>
            </div>
            {!step.isDone && step.link && (
              <Link href={step.link.href} className={step === next ? 'button primary medium' : 'button plain medium'}>{step.link.title}</Link>
            )}
          </li>
        ))}
      </ol>
    </Card>
  )
}
