import { randomBytes } from 'node:crypto'
import {
  constants,
  copyFile,
  link,
  lstat,
  mkdir,
  rename,
  rm,
  rmdir,
  writeFile,
} from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { CommandFailure } from '../failure.js'
import type { ComposedFiles } from './compose.js'

/** Options for {@link placeFiles}. */
export interface PlaceFilesOptions {
  /** Ends the work; what was placed is taken away again. */
  readonly signal: AbortSignal
  /** Called when a file was written, before any has its place. */
  readonly onWritten?: ((path: string) => void) | undefined
  /** Called when a file of a folder that was there has its place. */
  readonly onPlaced?: ((path: string) => void) | undefined
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, 'code') : undefined
}

type Found = 'nothing' | 'folder' | 'other'

/** What has this path. A symbolic link is not followed: what is behind it belongs to somebody else. */
async function look(path: string): Promise<Found> {
  try {
    return (await lstat(path)).isDirectory() ? 'folder' : 'other'
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'nothing'
    if (codeOf(error) === 'ENOTDIR') return 'other'
    throw error
  }
}

/** Every folder between the target and a file, the outermost first. */
function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** Paths of the target that are there already and are not ours to change. */
async function findTaken(target: string, files: ComposedFiles): Promise<string[]> {
  const taken = new Set<string>()
  for (const path of files.keys()) {
    for (const folder of foldersOf(path)) {
      if ((await look(join(target, folder))) === 'other') taken.add(folder)
    }
    if ((await look(join(target, path))) !== 'nothing') taken.add(path)
  }
  return [...taken]
}

async function writeAll(
  folder: string,
  files: ComposedFiles,
  { signal, onWritten }: PlaceFilesOptions,
): Promise<void> {
  for (const [path, text] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text, { flag: 'wx' })
    onWritten?.(path)
    signal.throwIfAborted()
  }
}

/** Takes away folders that were made for a draft, as far as nobody has put anything into them. */
async function removeFolders(innermost: string, outermost: string | undefined): Promise<void> {
  if (outermost === undefined) return
  for (let folder = innermost; folder.length >= outermost.length; folder = dirname(folder)) {
    await rmdir(folder).catch(() => undefined)
  }
}

/** What a failed write tells a person. */
function describeFailure(name: string, error: unknown): unknown {
  const code = codeOf(error)
  if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return error
  return code === 'EEXIST' || code === 'ENOTEMPTY'
    ? new CommandFailure('refused', `${name} was changed meanwhile; nothing was written`)
    : new CommandFailure('configuration', `${name} cannot be written (${code})`)
}

/** What a file system without hard links answers, such as exFAT and some mounts of containers. */
const NO_LINKS: readonly unknown[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']

/** Gives a file a second path. Fails where something is, so that nothing is lost to a race. */
async function placeFile(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (!NO_LINKS.includes(codeOf(error))) throw error
    await copyFile(from, to, constants.COPYFILE_EXCL)
  }
}

/** Gives the finished files their places in a folder that is there, or in none of them. */
async function moveIn(
  draft: string,
  target: string,
  files: ComposedFiles,
  { signal, onPlaced }: PlaceFilesOptions,
): Promise<void> {
  const undo: (() => Promise<unknown>)[] = []
  try {
    for (const path of files.keys()) {
      for (const folder of foldersOf(path)) {
        const made = await mkdir(join(target, folder), { recursive: true })
        // Another program may have put something into it.
        if (made !== undefined) undo.push(() => rmdir(join(target, folder)).catch(() => undefined))
      }
      await placeFile(join(draft, path), join(target, path))
      undo.push(() => rm(join(target, path)))
      onPlaced?.(path)
      signal.throwIfAborted()
    }
  } catch (error) {
    for (const each of undo.reverse()) await each()
    throw error
  }
}

/** Refuses a folder that has any of the files, or something else where they have to go. */
async function requireFree(folder: string, files: ComposedFiles): Promise<Found> {
  const target = resolve(folder)
  const found = await look(target)
  if (found === 'other') {
    throw new CommandFailure('refused', `${JSON.stringify(folder)} is there and is no folder`)
  }
  const taken = found === 'folder' ? await findTaken(target, files) : []
  if (taken.length === 0) return found
  const list = taken.map((path) => `  ${path}`).join('\n')
  throw new CommandFailure(
    'refused',
    `${JSON.stringify(folder)} has files of these names already:\n${list}`,
  )
}

/**
 * Writes files into a folder that has none of them, all or none. They are finished elsewhere first: a
 * folder that was not there appears with all of them at once, even when the process is killed.
 *
 * @throws {@link CommandFailure} naming what is in the way; then nothing was changed.
 */
export async function placeFiles(
  folder: string,
  files: ComposedFiles,
  options: PlaceFilesOptions,
): Promise<void> {
  const target = resolve(folder)
  let parent = dirname(target)
  let draft: string | undefined
  let made: string | undefined
  try {
    const isThere = (await requireFree(folder, files)) === 'folder'
    // Where the files have to go, so that they can be moved there without being copied.
    if (isThere) parent = target
    made = await mkdir(parent, { recursive: true })
    draft = join(parent, `.mcp-auth-init-${randomBytes(6).toString('hex')}`)
    await mkdir(draft)
    await writeAll(draft, files, options)
    if (isThere) await moveIn(draft, target, files, options)
    else await rename(draft, target)
  } catch (error) {
    if (draft !== undefined) await rm(draft, { recursive: true, force: true })
    await removeFolders(parent, made)
    throw describeFailure(JSON.stringify(folder), error)
  }
  await rm(draft, { recursive: true, force: true })
}
