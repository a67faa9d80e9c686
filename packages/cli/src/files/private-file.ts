import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, open, rename, rm, stat } from 'node:fs/promises'
import { CommandFailure } from '../failure.js'

function errorCode(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : 'an error'
}

/** How a private file is put in its place. */
export interface PrivateFileOptions {
  /** What the file is called in messages, for example `--output`. */
  readonly flag: string
  /** Whether a file that is there is replaced. */
  readonly replace: boolean
}

/**
 * Refuses early what {@link writePrivateFile} would refuse at the end.
 *
 * @throws {@link CommandFailure} when the file is there and must not be replaced.
 */
export async function requireFree(
  path: string,
  { flag, replace }: PrivateFileOptions,
): Promise<void> {
  if (replace) return
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return
  throw new CommandFailure('refused', `the file of ${flag} is there already; --force replaces it`)
}

/**
 * Writes a file that only its owner can read (0600). It appears under its name when it is complete and
 * `check` has passed, or not at all; a symbolic link under that name is never followed.
 *
 * @throws {@link CommandFailure} when it is there and must not be replaced, or cannot be written.
 */
export async function writePrivateFile(
  path: string,
  options: PrivateFileOptions,
  write: (file: FileHandle, draft: string) => Promise<void>,
): Promise<void> {
  const { flag, replace } = options
  await requireFree(path, options)
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const { O_WRONLY, O_CREAT, O_EXCL } = constants
  let file: FileHandle
  try {
    file = await open(draft, O_WRONLY | O_CREAT | O_EXCL, 0o600)
  } catch (error) {
    throw new CommandFailure(
      'configuration',
      `the file of ${flag} cannot be written (${errorCode(error)})`,
    )
  }
  try {
    try {
      await write(file, draft)
      await file.sync()
    } finally {
      await file.close()
    }
    // A link fails where something is, so that nothing is lost to a race.
    if (replace) await rename(draft, path)
    else await link(draft, path)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
    throw new CommandFailure('refused', `the file of ${flag} is there already; --force replaces it`)
  } finally {
    await rm(draft, { force: true })
  }
}
