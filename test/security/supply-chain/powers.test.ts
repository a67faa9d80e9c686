import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { findPowers } from './powers.js'
import { PACKAGE_FOLDERS, parseSource, readSources } from './source-files.js'

const reasons = z
  .record(z.string(), z.string().min(20))
  .parse(JSON.parse(readFileSync(new URL('./powers.json', import.meta.url), 'utf8')))

const fileOf = ({ place }: { readonly place: string }): string => place.replace(/:\d+$/, '')

describe('P15 the packages run no other code and write no files', () => {
  const found = findPowers(readSources(PACKAGE_FOLDERS.map((folder) => `${folder}/src`)))

  it('P15 except where a reason is written down', () => {
    expect(found.filter((finding) => !Object.hasOwn(reasons, fileOf(finding)))).toEqual([])
  })

  it('P15 has no reason for what is no longer there', () => {
    const files = new Set(found.map(fileOf))
    expect(Object.keys(reasons).filter((file) => !files.has(file))).toEqual([])
  })

  it('P15 in the guard, the authorization server and the store of Infisical there is no exception', () => {
    const folders = ['mcp-auth-middleware', 'authorization-server', 'store-infisical']
    const strict = folders.map((folder) => `packages/${folder}/`)
    expect(
      Object.keys(reasons).filter((file) => strict.some((one) => file.startsWith(one))),
    ).toEqual([])
    const built = readSources(folders.map((folder) => `packages/${folder}/dist`))
    expect(built.length).toBeGreaterThan(5)
    expect(findPowers(built)).toEqual([])
  })

  it('P15 starts no program anywhere', () => {
    expect(found.filter(({ key }) => /child_process|worker_threads|vm/.test(key))).toEqual([])
  })

  it.each([
    "import { exec } from 'node:child_process'",
    "import vm from 'vm'",
    "import { writeFileSync } from 'node:fs'",
    "import * as fs from 'fs'",
    "import { readFileSync, rmSync } from 'node:fs'",
    'eval(text)',
    'globalThis.eval(text)',
    "new Function('return 1')",
    "Function('return 1')()",
    'await import(name)',
    "await import('node:child_process')",
    'require(name)',
    "require('child_process')",
    "setTimeout('run()', 1)",
    "process.getBuiltinModule('fs')",
    "process.getBuiltinModule('node:v8')",
    "process.getBuiltinModule('node:v8').setFlagsFromString('--allow-natives-syntax')",
    "process.getBuiltinModule('node:v8')[name]()",
    "import { getHeapStatistics } from 'node:v8'",
  ])('P15 finds %s', (text) => {
    expect(findPowers([parseSource('some.ts', text)])).not.toEqual([])
  })

  it.each([
    "import { readFileSync } from 'node:fs'",
    "import type { FileHandle } from 'node:fs/promises'",
    "import { createHash } from 'node:crypto'",
    "await import('./other.js')",
    "await import('pg')",
    "process?.getBuiltinModule?.('node:v8')?.getHeapStatistics?.()",
    'setTimeout(run, 1)',
    'pattern.exec(text)',
  ])('P15 passes %s', (text) => {
    expect(findPowers([parseSource('some.ts', text)])).toEqual([])
  })
})
