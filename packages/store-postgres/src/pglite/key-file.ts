import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { ConfigurationError, isAuthError } from '@bestviable/mcp-auth-middleware'
import {
  generateEncryptionKey,
  parseEncryptionKeys,
} from '@bestviable/mcp-auth-middleware/envelope'
import { errnoOf } from './errno.js'
import { createPrivateFolder } from './private-folder.js'

/** What {@link loadOrCreateKeyFile} found or made. */
export interface EncryptionKeyFile {
  /** Key-encryption keys, the current one first, as `encryptionKeys` and `parseEncryptionKeys` take them. */
  readonly keys: string
  /** Absolute path of the file. */
  readonly path: string
  /** Whether the file was made by this call: tell the operator, since without it nothing can be read. */
  readonly created: boolean
}

const NAME = 'encryption-keys'
// Sixteen keys of 44 characters with their commas, with room for blanks.
const MAXIMUM_BYTES = 4096
const OTHERS = 0o077

function refuse(path: string, message: string, options?: ErrorOptions): never {
  const file = `the key file ${JSON.stringify(path)} ${message}`
  throw new ConfigurationError('loadOrCreateKeyFile', [{ path: 'dataDir', message: file }], options)
}

function openKeyFile(path: string): number | undefined {
  try {
    // Windows knows none of the two: links are followed there. Non-blocking, or a pipe would hang.
    const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants
    return openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (cause) {
    const code = errnoOf(cause)
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP') refuse(path, 'is a symbolic link; put the file itself there')
    if (code === 'EACCES') refuse(path, 'may not be read by this user', { cause })
    throw cause
  }
}

function checkKeys(path: string, keys: string): void {
  try {
    parseEncryptionKeys(keys)
  } catch (cause) {
    if (!isAuthError(cause)) throw cause
    // The reasons name keys by their place, never by their value.
    refuse(path, `is malformed; restore it from a backup (${cause.message})`, { cause })
  }
}

function readKeyFile(path: string): string | undefined {
  const file = openKeyFile(path)
  if (file === undefined) return undefined
  try {
    const { mode, size } = fstatSync(file)
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) refuse(path, 'is not a file')
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
      refuse(path, `can be read or changed by others; run: chmod 600 ${JSON.stringify(path)}`)
    }
    if (size > MAXIMUM_BYTES) refuse(path, `is longer than ${MAXIMUM_BYTES} bytes`)
    const buffer = Buffer.alloc(MAXIMUM_BYTES)
    const keys = buffer.toString('utf8', 0, readSync(file, buffer, 0, MAXIMUM_BYTES, 0)).trim()
    buffer.fill(0)
    checkKeys(path, keys)
    return keys
  } finally {
    closeSync(file)
  }
}

function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}

/** Makes the file with its content in it, unless another process was faster. */
function createKeyFile(folder: string, path: string): boolean {
  const draft = `${path}.new-${randomBytes(8).toString('hex')}`
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, `${generateEncryptionKey()}\n`)
    // Before anything is sealed: a credential under a key that a power failure took is lost.
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  } finally {
    unlinkSync(draft)
    syncFolder(folder)
  }
}

/**
 * Reads the key-encryption keys of a data folder from its file `encryption-keys`, or makes that file
 * with one new key: for a first run on one's own computer, where nothing is configured.
 *
 * Folder and file are made for their owner only (0700 and 0600). Processes that do this at once get the
 * same key. Nothing is ever written over a file that is there. Without the file, or a copy of it, no
 * credential can be read again; with it, anyone can read a copy of the database.
 *
 * @throws {@link ConfigurationError} when the file can be read by others, is a symbolic link or holds
 *   anything but keys.
 */
export function loadOrCreateKeyFile(dataDir: string): EncryptionKeyFile {
  const folder = createPrivateFolder(dataDir)
  const path = join(folder, NAME)
  const found = readKeyFile(path)
  if (found !== undefined) return { keys: found, path, created: false }
  const created = createKeyFile(folder, path)
  const keys = readKeyFile(path)
  if (keys === undefined) return refuse(path, 'was removed while it was made')
  return { keys, path, created }
}
