import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateEncryptionKey } from '@bestviable/mcp-auth-middleware/envelope'
import type { AuthorizationServer, Management } from '@bestviable/mcp-authorization-server'
import { google } from '@bestviable/mcp-authorization-server'
import type { OpenManagementOptions } from '@bestviable/mcp-authorization-server/management'
import { describe, expect, it } from 'vitest'
import { optionsSchema } from '../../packages/authorization-server/src/option-schema.js'
import { parseAuthorizationServerOptions } from '../../packages/authorization-server/src/options.js'
import { type Document, sectionOf, tableRows } from './documents.js'
import { ROOT } from './snippets.js'

const path = 'docs/reference/authorization-server-options.md'
const page: Document = { path, text: readFileSync(join(ROOT, path), 'utf8') }

const rowsBelow = (heading: string): string[][] =>
  tableRows(sectionOf(page, heading)).map((cells) => cells.map((cell) => cell.replaceAll('`', '')))
const namesBelow = (heading: string): string[] => rowsBelow(heading).map(([name = '']) => name)
const wordsOf = (text: string): string[] => [...text.matchAll(/\w+/g)].map(([word]) => word)

const required = {
  issuer: 'https://mcp.example.com',
  database: 'postgresql://mcp@127.0.0.1/mcp',
  encryptionKeys: generateEncryptionKey(),
  resources: { 'https://mcp.example.com/mcp': { scopes: { read: 'read' } } },
  login: [google({ clientId: 'client', clientSecret: 'canary' })],
  allow: { domains: ['example.com'] },
}

function isTaken(change: object): boolean {
  try {
    parseAuthorizationServerOptions({ ...required, ...change })
    return true
  } catch {
    return false
  }
}

// The compiler holds these to the interfaces: a name too many or too few is an error.
const SERVER: Readonly<Record<keyof AuthorizationServer, true>> = {
  router: true,
  validator: true,
  metadata: true,
  check: true,
  close: true,
  users: true,
  clients: true,
  sessions: true,
  signingKeys: true,
  audit: true,
}
const MANAGEMENT: { readonly [Name in keyof Management]: Record<keyof Management[Name], true> } = {
  users: {
    find: true,
    list: true,
    allow: true,
    suspend: true,
    activate: true,
    setRole: true,
    erase: true,
    stats: true,
  },
  clients: { find: true, list: true, create: true, rotateSecret: true, revoke: true },
  sessions: { list: true, revoke: true, revokeUser: true },
  signingKeys: { status: true, rotate: true },
  audit: { list: true },
}
const OPEN_MANAGEMENT: Readonly<Record<keyof OpenManagementOptions, true>> = {
  database: true,
  encryptionKeys: true,
  credentials: true,
  longestTokenLife: true,
  now: true,
}

describe(path, () => {
  it('has every option of createAuthorizationServer, and only those that exist', () => {
    expect(namesBelow('createAuthorizationServer').sort()).toEqual(
      Object.keys(optionsSchema.shape).sort(),
    )
  })

  it('says which of them are required', () => {
    for (const [name = '', , fallback = ''] of rowsBelow('createAuthorizationServer')) {
      expect(isTaken({ [name]: undefined }), name).toBe(!fallback.startsWith('required'))
    }
  })

  it('has their defaults', () => {
    const parsed = new Map<string, unknown>(
      Object.entries(parseAuthorizationServerOptions(required)),
    )
    const written = rowsBelow('createAuthorizationServer').filter(([name = '']) =>
      ['boolean', 'number', 'string'].includes(typeof parsed.get(name)),
    )
    expect(written.length).toBeGreaterThan(8)
    for (const [name = '', , fallback] of written) {
      if (fallback !== 'required') expect(fallback, name).toBe(String(parsed.get(name)))
    }
  })

  it('has every lifetime with its limits and default', () => {
    const { lifetimes } = parseAuthorizationServerOptions(required)
    const rows = rowsBelow('Lifetimes')
    expect(
      Object.fromEntries(rows.map(([name, , , fallback]) => [name, Number(fallback)])),
    ).toEqual(lifetimes)
    for (const [name = '', from, to] of rows) {
      const takes = (value: number) => isTaken({ lifetimes: { [name]: value } })
      const [least, most] = [Number(from), Number(to)]
      expect([least - 1, least, most, most + 1].map(takes), name).toEqual([
        false,
        true,
        true,
        false,
      ])
    }
  })

  it('has every member of the server, and of what operators work with', () => {
    expect(namesBelow('AuthorizationServer').sort()).toEqual(Object.keys(SERVER).sort())
    const rows = new Map(rowsBelow('AuthorizationServer').map(([name, text]) => [name, text]))
    for (const [name, methods] of Object.entries(MANAGEMENT)) {
      const [listed = ''] = (rows.get(name) ?? '').split(':')
      expect(wordsOf(listed), name).toEqual(Object.keys(methods))
    }
  })

  it('has every option of openManagement', () => {
    expect(namesBelow('openManagement').sort()).toEqual(Object.keys(OPEN_MANAGEMENT).sort())
  })
})
