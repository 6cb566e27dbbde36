import { useState } from 'react'
import { api } from '../../api/client.ts'
import { saveFile } from '../../api/download.ts'
import { Button } from '../../components/button.tsx'
import { Card } from '../../components/card.tsx'
import { ErrorNote, Note } from '../../components/note.tsx'
import { useAction } from '../../hooks/use-action.ts'
import { toSize } from './format.ts'

/** Everything but the key ring, in one file. */
export function Backup () {
  const [bytes, setBytes] = useState(0)
  const [saved, setSaved] = useState<{ name: string, bytes: number }>()
  const take = useAction(async () => {
    setSaved(undefined)
    setBytes(0)
    const { response } = await api.POST('/api/backup', { parseAs: 'stream' })
    return saveFile(response, setBytes)
  }, setSaved)
  return (
    <Card title='Backup'>
      <p className='hint'>
        Everything that is stored, in one file: secrets in it stay sealed, and the key ring is not in it. It is put back
        in a shell, by <code>fmcp restore</code>.
      </p>
      <div role='status' className='backup'>
        {take.pending && bytes > 0 && <p>{toSize(bytes)} so far…</p>}
        {saved && (
          <Note tone='good' title='Taken'><p>{saved.name}, {toSize(saved.bytes)}, is among your downloads.</p></Note>
        )}
      </div>
      <ErrorNote error={take.error} />
      <Button pending={take.pending} onClick={() => take.run()}>Take a backup</Button>
    </Card>
  )
}
