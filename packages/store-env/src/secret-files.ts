import { StoreUnavailableError } from '@bestviable/mcp-auth-middleware'
import type { ReadSecretFile } from './options.js'

/** How long the content of a file is used before it is read again, in milliseconds. */
const KEEP_MILLISECONDS = 1000

interface FileSystem {
  readonly promises: {
    readFile(path: string, options: { signal?: AbortSignal }): Promise<Uint8Array>
  }
}

interface ProcessLike {
  getBuiltinModule?(name: string): unknown
}

// Looked up on use: a Worker without files must be able to load this package.
const readWithNode: ReadSecretFile = async (path, { signal }) => {
  const process = Reflect.get(globalThis, 'process') as ProcessLike | undefined
  const fileSystem = process?.getBuiltinModule?.('node:fs') as FileSystem | undefined
  if (fileSystem === undefined) throw new Error('this runtime has no file system')
  const bytes = await fileSystem.promises.readFile(path, signal === undefined ? {} : { signal })
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
}

// A clock that was set back must not keep a secret that was rotated meanwhile.
const isFresh = (storedAt: number, time: number) =>
  time >= storedAt && time < storedAt + KEEP_MILLISECONDS

/** A loop, since a regular expression takes quadratic time for line ends inside the text. */
function withoutLineEnds(text: string): string {
  let end = text.length
  while (text[end - 1] === '\n') end -= text[end - 2] === '\r' ? 2 : 1
  return text.slice(0, end)
}

/** Reads the file that a variable names. */
export type SecretFileReader = (
  variable: string,
  path: string,
  signal: AbortSignal | undefined,
) => Promise<string>

/**
 * Creates a reader of secret files that looks again after a second, so that a rotated secret (a new
 * symbolic link in Kubernetes, a new file elsewhere) is seen. Trailing line ends are not part of the
 * secret.
 *
 * The reader rejects with {@link StoreUnavailableError} naming the variable when a file cannot be read.
 */
export function createSecretFileReader(
  readFile: ReadSecretFile = readWithNode,
  now: () => number = Date.now,
): SecretFileReader {
  const held = new Map<string, { readonly content: string; readonly storedAt: number }>()

  return async (variable, path, signal) => {
    const known = held.get(path)
    if (known !== undefined && isFresh(known.storedAt, now())) return known.content
    let content: string
    try {
      content = withoutLineEnds(await readFile(path, { signal }))
    } catch (cause) {
      signal?.throwIfAborted()
      held.delete(path)
      throw new StoreUnavailableError(`the file that ${variable} names could not be read`, {
        cause,
      })
    }
    held.set(path, { content, storedAt: now() })
    return content
  }
}
