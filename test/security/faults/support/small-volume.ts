import { spawnSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file system of its own that can be filled to the last byte. */
export interface SmallVolume {
  readonly folder: string
  /** Takes all space that is left. */
  fill(): void
  /** Gives back what `fill` took. */
  empty(): void
  close(): Promise<void>
}

const VOLUME_BYTES = 128 * 1024 * 1024
const CHUNKS = [1024 * 1024, 4096, 1]

/** Mounts one in memory, which takes the privilege to mount; `undefined` without it. */
export function mountSmallVolume(): SmallVolume | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'small-volume-'))
  const options = `size=${VOLUME_BYTES},mode=1777`
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder])
  if (status !== 0) {
    rmSync(folder, { recursive: true })
    return undefined
  }
  const filler = openSync(join(folder, 'filler'), 'w')

  function fill(): void {
    // In ever smaller pieces, so that not a page is left.
    for (const bytes of CHUNKS) {
      const chunk = Buffer.alloc(bytes, 1)
      try {
        while (writeSync(filler, chunk) === bytes);
      } catch (error) {
        if (!(error instanceof Error) || Reflect.get(error, 'code') !== 'ENOSPC') throw error
      }
    }
  }
  return {
    folder,
    fill,
    empty: () => ftruncateSync(filler),
    async close() {
      closeSync(filler)
      spawnSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
