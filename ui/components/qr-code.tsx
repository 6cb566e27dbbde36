import encode from 'qr'
import { useMemo } from 'react'

const QUIET = 4

/** Dark on white in either theme: scanners want it so. */
export function QrCode ({ text, label }: { text: string, label: string }) {
  const rows = useMemo(() => encode(text, 'raw', { ecc: 'medium', border: QUIET }), [text])
  const path = rows.flatMap((row, y) => row.map((isDark, x) => isDark ? `M${x} ${y}h1v1h-1z` : '')).join('')
  return (
    <svg className='qr' role='img' aria-label={label} viewBox={`0 0 ${rows.length} ${rows.length}`} shapeRendering='crispEdges'>
      <path d={path} />
    </svg>
  )
}
