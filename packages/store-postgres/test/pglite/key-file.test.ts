import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  generateEncryptionKey,
  parseEncryptionKeys,
} from '@bestviable/mcp-auth-middleware/envelope'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { loadOrCreateKeyFile } from '../../src/pglite/key-file.js'
import { createChildren } from './support/child.js'

const home = mkdtempSync(join(tmpdir(), 'mcp-auth-keys-'))
const children = createChildren()
let dataDir = ''
let path = ''

beforeEach(() => {
  dataDir = join(mkdtempSync(join(home, 'case-')), 'data')
  path = join(dataDir, 'encryption-keys')
})

afterAll(async () => {
  await children.end()
  rmSync(home, { recursive: true, force: true })
})

function writeKeys(text: string, mode = 0o600): void {
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(path, text)
  chmodSync(path, mode)
}

describe('loadOrCreateKeyFile()', () => {
  it('makes one usable key in a file and folder of its owner, and reads it the next time', () => {
    const made = loadOrCreateKeyFile(dataDir)
    expect(made).toMatchObject({ path, created: true })
    expect(parseEncryptionKeys(made.keys)).toHaveLength(1)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
    expect(readdirSync(dataDir)).toEqual(['encryption-keys'])
    expect(loadOrCreateKeyFile(dataDir)).toEqual({ ...made, created: false })
  })

  it('reads several keys as an operator writes them for a rotation', () => {
    const keys = `${generateEncryptionKey()}, ${generateEncryptionKey()}`
    writeKeys(`${keys}\n`)
    expect(loadOrCreateKeyFile(dataDir).keys).toBe(keys)
  })

  it.each([0o640, 0o604, 0o620, 0o610])('refuses a file with mode %o', (mode) => {
    writeKeys(generateEncryptionKey(), mode)
    expect(() => loadOrCreateKeyFile(dataDir)).toThrow(/chmod 600/)
  })

  it('accepts a file that even its owner cannot change', () => {
    writeKeys(generateEncryptionKey(), 0o400)
    expect(loadOrCreateKeyFile(dataDir).created).toBe(false)
  })

  it.each([
    ['empty', ''],
    ['too short', generateEncryptionKey().slice(1)],
    ['a password', 'canary-password-in-the-key-file'],
    ['a key twice', `${'A'.repeat(42)}E=,${'A'.repeat(42)}E=`],
    ['far too long', `${generateEncryptionKey()},`.repeat(100)],
  ])('X14 refuses a file that is %s, and changes nothing', (_, text) => {
    writeKeys(text)
    expect(() => loadOrCreateKeyFile(dataDir)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION' }),
    )
    expect(() => loadOrCreateKeyFile(dataDir)).not.toThrow(/canary|AAAA/)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('refuses a symbolic link, also to a good file', () => {
    const target = join(home, 'elsewhere')
    writeFileSync(target, generateEncryptionKey())
    chmodSync(target, 0o600)
    mkdirSync(dataDir, { recursive: true })
    symlinkSync(target, path)
    expect(() => loadOrCreateKeyFile(dataDir)).toThrow(/symbolic link/)
  })

  it('refuses a dangling symbolic link and makes nothing behind it', () => {
    mkdirSync(dataDir, { recursive: true })
    symlinkSync(join(home, 'nowhere'), path)
    expect(() => loadOrCreateKeyFile(dataDir)).toThrow(/symbolic link/)
    expect(readdirSync(home)).not.toContain('nowhere')
  })

  it('refuses a folder in place of the file', () => {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    expect(() => loadOrCreateKeyFile(dataDir)).toThrow(/not a file/)
  })

  it('gives processes that start at once the same key', async () => {
    const crowd = await Promise.all(Array.from({ length: 4 }, () => children.start()))
    for (let round = 0; round < 10; round += 1) {
      const folder = join(dataDir, String(round))
      const answers = await Promise.all(
        crowd.map((child) => child.ask({ type: 'keys', dataDir: folder })),
      )
      const values = answers.map(({ value }) => value as { keys: string; created: boolean })
      expect(new Set(values.map(({ keys }) => keys)).size).toBe(1)
      expect(values.filter(({ created }) => created)).toHaveLength(1)
      expect(readdirSync(folder)).toEqual(['encryption-keys'])
    }
  })
})
