/** What the log is asked for, to choose from; the server takes any other too. */
export const ACTIONS = [
  'tool.call', 'admin.login', 'admin.logout', 'admin.prove', 'admin.create', 'admin.delete', 'admin.change_password',
  'admin_token.create', 'admin_token.revoke', 'connection.create', 'connection.update', 'connection.delete', 'credential.set',
  'credential.test', 'credential.delete', 'session.create', 'session.rotate', 'session.revoke', 'cache.clear', 'keys.rewrap',
  'backup.create', 'audit.export'
]

export const OUTCOMES = [
  'ok', 'cancelled', 'UNAUTHENTICATED', 'FORBIDDEN', 'INVALID_INPUT', 'SYMBOL_NOT_FOUND', 'TOOL_NOT_FOUND',
  'PROVIDER_NOT_CONFIGURED', 'RATE_LIMITED', 'PROVIDER_REJECTED_KEY', 'PROVIDER_NOT_ENTITLED', 'PROVIDER_UNAVAILABLE',
  'PROVIDER_QUOTA', 'PROVIDER_TIMEOUT', 'OVERLOADED'
]

/** Why a row is not what was written: docs/audit.md. */
export const REASONS: Record<string, string> = {
  edited: 'it was changed, or made by somebody without the key',
  missing: 'it was deleted, or cut off before others were written',
  misplaced: 'it is of another log, such as that of a restored copy',
  cut_off: 'the rows from here on are gone',
  rewritten: 'it is another one than was noted, remembered or signed',
  anchor_missing: 'the signature of the end was deleted',
  anchor_forged: 'the signature of the end was changed',
  anchor_unsigned: 'the end is not signed',
  anchor_behind: 'it was written by a server of an older version; the next event mends it',
  below_checkpoint: 'it stands where all were pruned: somebody put it there',
  checkpoint_forged: 'the checkpoint is not the server’s'
}
