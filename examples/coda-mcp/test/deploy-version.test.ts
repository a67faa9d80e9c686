import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  checkDeploy,
  copyWith,
  example,
  manifest,
  setVersion,
  versionPlaces,
} from './support/deployment.js'

describe('setVersion()', () => {
  it('writes the version of the example into every file that names it, and nothing else', () => {
    const copy = copyWith('package.json', (text) =>
      text.replace(/"version": ".*"/, '"version": "1.2.3-rc.1"'),
    )
    try {
      expect(checkDeploy(copy, ['agreement']).problems).toHaveLength(
        Object.keys(versionPlaces).length,
      )
      expect(setVersion(copy)).toBe('1.2.3-rc.1')
      expect(checkDeploy(copy, ['agreement']).problems).toEqual([])
      for (const place of Object.keys(versionPlaces)) {
        const [before, after] = [example, copy].map((folder) =>
          readFileSync(join(folder, place), 'utf8').split('\n'),
        )
        const changed = after?.filter((line, index) => line !== before?.[index])
        expect(changed).toHaveLength(1)
        expect(changed?.[0]).toContain('1.2.3-rc.1')
      }
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  })

  it('refuses a file that has no place for it', () => {
    const copy = copyWith(manifest('kustomization'), (text) =>
      text.replace(/newTag: .*/, 'newName: x'),
    )
    try {
      expect(() => setVersion(copy)).toThrow('kustomization.yaml names no version')
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  })
})
