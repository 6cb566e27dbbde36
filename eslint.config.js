import reactHooks from 'eslint-plugin-react-hooks'
import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['dist', 'dist.*', 'data', '.tap', 'coverage', 'ui/api/schema.d.ts'] }),
  { rules: { '@stylistic/max-len': ['error', { code: 120, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }] } },
  { ...reactHooks.configs.flat.recommended, files: ['ui/**/*.{ts,tsx}'] }
]
