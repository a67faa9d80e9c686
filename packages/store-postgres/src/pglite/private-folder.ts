import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'

/** Makes a folder that only its owner can look into, unless it is there, and returns its absolute path. */
export function createPrivateFolder(path: string): string {
  const absolute = resolve(path)
  mkdirSync(absolute, { recursive: true, mode: 0o700 })
  return absolute
}
