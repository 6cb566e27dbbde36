import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['dist', 'dist.*', 'data', '.tap', 'coverage'] }),
  { rules: { '@stylistic/max-len': ['error', { code: 120, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }] } }
]
