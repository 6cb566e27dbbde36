import { Check, Copy } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { Button } from './button.tsx'
import { toast } from './toast.tsx'

const SHOWN_MS = 2000

/** @param props.of what is copied, in words: "the token" */
export function CopyButton ({ text, of }: { text: string, of: string }) {
  const [copied, setCopied] = useState(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])

  async function copy () {
    try {
      await navigator.clipboard.writeText(text)
      setCopied(true)
      clearTimeout(timer.current)
      timer.current = setTimeout(() => setCopied(false), SHOWN_MS)
    } catch {
      toast('The browser lets no page copy here. Select the text and copy it by hand.', 'bad')
    }
  }
  return (
    <>
      <Button size='small' className='copy' onClick={copy} aria-label={`Copy ${of}`}>
        {copied ? <Check aria-hidden /> : <Copy aria-hidden />}
        {copied ? 'Copied' : 'Copy'}
      </Button>
      <span role='status' className='unseen'>{copied && `Copied ${of}.`}</span>
    </>
  )
}

/** Text to be taken elsewhere, as it is. */
export function Code ({ text, of }: { text: string, of: string }) {
  return (
    <div className='code'>
      <pre tabIndex={0} aria-label={of}>{text}</pre>
      <CopyButton text={text} of={of} />
    </div>
  )
}
