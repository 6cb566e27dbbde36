/** The embedded database cannot be started or used; the message says what to do about it. */
export class EmbeddedError extends Error {}

/** Runs `work`; a refusal of the file system becomes a sentence that names DATA_DIR. */
export async function explainFiles<T> (dataDir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      throw new EmbeddedError(`DATA_DIR ${dataDir} cannot be used by this user (${code}). ` +
        'Give it to the user that runs the server, or choose another DATA_DIR.', { cause: error })
    }
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new EmbeddedError(`There is no space left for DATA_DIR ${dataDir} (${code}).`, { cause: error })
    }
    throw error
  }
}
