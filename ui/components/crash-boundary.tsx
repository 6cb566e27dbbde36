import { Component, type ReactNode } from 'react'
import { Button } from './button.tsx'
import { Note } from './note.tsx'

interface Props {
  /** Where the viewer is: elsewhere is another try. */
  place: string
  children: ReactNode
}

/** A defect of one page leaves the others usable. React knows no function that does this. */
export class CrashBoundary extends Component<Props, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined }

  override componentDidUpdate ({ place }: Props) {
    if (this.state.error && place !== this.props.place) this.setState({ error: undefined })
  }

  static getDerivedStateFromError (error: Error) {
    return { error }
  }

  override render () {
    if (!this.state.error) return this.props.children
    return (
      <Note tone='bad' title='This page cannot be shown'>
        <p>{this.state.error.message}</p>
        <Button onClick={() => location.reload()}>Load it again</Button>
      </Note>
    )
  }
}
