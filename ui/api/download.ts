import { api } from './client.ts'
import { ProblemError } from './problem.ts'

/** The proof must outlast the way to the server. */
const MARGIN_MS = 5000

/** A download by the browser itself, straight to the disk. */
export function follow (url: string): void {
  const link = document.createElement('a')
  link.href = url
  link.download = ''
  link.click()
}

/**
 * For what the browser loads itself, so that a refusal would be seen by nobody.
 * @throws ProblemError as the server's own, where the login must give its password anew
 */
export async function assertProved (): Promise<void> {
  const { data, response } = await api.GET('/api/admin')
  // The server's clock, and not this machine's.
  const now = Date.parse(response.headers.get('date') ?? '')
  if (data && Date.parse(data.proved_until ?? '') > now + MARGIN_MS) return
  throw new ProblemError({
    title: 'Forbidden',
    status: 403,
    code: 'FMS_FORBIDDEN',
    detail: 'This needs the password again.',
    proof_required: true
  })
}

/**
 * Reads an answer to its end and gives it to the browser as a file, named as the server names it.
 * @param onBytes gets how many bytes have come so far
 */
export async function saveFile (
  { body, headers }: Response, onBytes: (bytes: number) => void
): Promise<{ name: string, bytes: number }> {
  const name = /filename="([^"]+)"/.exec(headers.get('content-disposition') ?? '')?.[1] ?? 'download'
  let bytes = 0
  const counted = body!.pipeThrough(new TransformStream<Uint8Array, Uint8Array>({
    transform (chunk, controller) {
      bytes += chunk.length
      onBytes(bytes)
      controller.enqueue(chunk)
    }
  }))
  const url = URL.createObjectURL(await new Response(counted).blob())
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
  return { name, bytes }
}
