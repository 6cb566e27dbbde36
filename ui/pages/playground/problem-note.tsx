import { ProblemError } from '../../api/problem.ts'
import { Button } from '../../components/button.tsx'
import { ErrorNote, Note } from '../../components/note.tsx'
import { toWords } from './words.ts'

/** What the server refused: in its words, with what it offers instead and who was asked. */
export function ProblemNote ({ error, onSuggestion }: { error: Error, onSuggestion: (symbol: string) => void }) {
  if (!(error instanceof ProblemError)) return <ErrorNote error={error} />
  const { title, code, tried = [], suggestions = [], errors } = error.body
  return (
    <div className='problem'>
      <ErrorNote error={error} />
      <Note tone='neutral' title={title}>
        {tried.length > 0 && (
          <ul>
            {tried.map(({ provider, outcome }) => (
              <li key={provider + outcome}>{toWords(provider)}: {toWords(outcome)}</li>
            ))}
          </ul>
        )}
        {suggestions.length > 0 && (
          <div className='buttons'>
            {errors?.length ? 'There is:' : 'Did you mean:'}
            {suggestions.map(suggestion => errors?.length
              ? <code key={suggestion}>{suggestion}</code>
              : <Button key={suggestion} size='small' onClick={() => onSuggestion(suggestion)}>{suggestion}</Button>)}
          </div>
        )}
        <p className='hint'>Code <code>{code}</code></p>
      </Note>
    </div>
  )
}
