import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSettings, readVariable } from '../src/settings.js'

describe('readSettings()', () => {
  it('keeps the server on this machine when nothing is set', () => {
    expect(readSettings({})).toMatchObject({
      host: '127.0.0.1',
      resource: 'http://localhost:8080/mcp',
      isLocal: true,
    })
  })

  it('wants to know where clients reach a server that others can reach', () => {
    expect(() => readSettings({ HOST: '0.0.0.0' })).toThrow('missing: PUBLIC_URL')
    const env = { HOST: '0.0.0.0', PUBLIC_URL: 'https://mcp.example.com' }
    expect(readSettings(env)).toMatchObject({
      resource: 'https://mcp.example.com/mcp',
      isLocal: false,
    })
  })

  it.each([
    ['a path', 'https://mcp.example.com/mcp'],
    ['a slash at its end', 'https://mcp.example.com/'],
    ['no scheme', 'mcp.example.com'],
  ])('refuses a PUBLIC_URL with %s', (_, PUBLIC_URL) => {
    expect(() => readSettings({ PUBLIC_URL })).toThrow('PUBLIC_URL must be an origin')
  })

  it.each(['0', '65536', 'http', '80.5'])('refuses the port %s', (PORT) => {
    expect(() => readSettings({ PORT })).toThrow('PORT is no port')
  })
})

describe('readVariable()', () => {
  it('reads a secret from the file that NAME_FILE names', () => {
    const folder = mkdtempSync(join(tmpdir(), 'settings-'))
    writeFileSync(join(folder, 'secret'), 'from a file\n')
    expect(readVariable({ SECRET_FILE: join(folder, 'secret') }, 'SECRET')).toBe('from a file')
    expect(readVariable({ SECRET: 'from the shell' }, 'SECRET')).toBe('from the shell')
    expect(readVariable({ SECRET: ' ' }, 'SECRET')).toBeUndefined()
    rmSync(folder, { recursive: true })
  })

  it('names the variable of a file that cannot be read, and not what it holds', () => {
    const read = (path: string) => () => readVariable({ SECRET_FILE: path }, 'SECRET')
    const message = 'SECRET_FILE names a file that cannot be read'
    expect(read('/nowhere/secret')).toThrow(new Error(`${message} (ENOENT)`))
    expect(read(tmpdir())).toThrow(new Error(`${message} (EISDIR)`))
  })
})
