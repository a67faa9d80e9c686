import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { packageVersion, templateFiles } from '../../src/init/template.js'
import { PROGRAM, startProgram } from '../support/child-process.js'

describe('the built package', () => {
  it('has the template of the repository in it', async () => {
    const dist = join(PROGRAM, '..')
    const names = readdirSync(dist).filter((name) => name.startsWith('template-'))
    expect(names).toHaveLength(1)
    const built: unknown = await import(join(dist, names[0] ?? ''))
    expect({ ...Object(built) }).toEqual({ packageVersion, templateFiles })
  })

  it('makes a server, with the files that npm leaves out of packages', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'built-template-'))
    onTestFinished(() => rmSync(parent, { recursive: true }))
    const folder = join(parent, 'notes')
    const flags = ['--way-in', 'oidc', '--store', 'none', '--yes']
    expect(await startProgram(['init', folder, ...flags]).ended).toBe(0)
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe(templateFiles['base/.gitignore'])
  })
})
