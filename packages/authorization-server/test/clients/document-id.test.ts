import { describe, expect, it } from 'vitest'
import { parseDocumentId } from '../../src/clients/document-id.js'
import { FetchFailure } from '../../src/clients/fetch-failure.js'

const ANY = { hosts: undefined, ports: [443] }

const judge = (id: string, rules: Parameters<typeof parseDocumentId>[1] = ANY) => {
  try {
    return parseDocumentId(id, rules).href
  } catch (error) {
    if (error instanceof FetchFailure) return error.reason
    throw error
  }
}

describe('parseDocumentId()', () => {
  it.each([
    'https://claude.ai/oauth/mcp-oauth-client-metadata',
    'https://claude.ai/oauth/claude-code-client-metadata',
    'https://chatgpt.com/oauth/client.json',
    'https://chatgpt.com/oauth/IbUR3zxyNQ16/client.json',
    'https://vscode.dev/oauth/client-metadata.json',
    'https://c.example/a',
    'https://c.example/a/',
    'https://c.example/a?x=1',
    'https://c.example/a%2Fb/..c',
    'https://xn--bcher-kva.example/a',
  ])('M01 takes %s', (id) => {
    expect(judge(id)).toBe(id)
  })

  it.each([
    ['http://c.example/a', 'id_not_https'],
    ['ftp://c.example/a', 'id_not_https'],
    ['c.example/a', 'id_malformed'],
    ['', 'id_malformed'],
    ['https://', 'id_malformed'],
    ['https://c.example:99999/a', 'id_malformed'],
    ['https://c.example', 'id_without_path'],
    ['https://c.example/', 'id_without_path'],
    ['https://c.example?x', 'id_without_path'],
    ['https://c.example/..', 'id_without_path'],
    ['https://c.example/a#', 'id_with_fragment'],
    ['https://c.example/a#b', 'id_with_fragment'],
    ['https://u:p@c.example/a', 'id_with_user'],
    ['https://u@c.example/a', 'id_with_user'],
    ['https://:p@c.example/a', 'id_with_user'],
    ['https://@c.example/a', 'id_not_normal'],
    ['https://c.example/a/../b', 'id_not_normal'],
    ['https://c.example/./a', 'id_not_normal'],
    ['https://c.example/a/%2e%2E/b', 'id_not_normal'],
    ['https://c.example/a/.', 'id_not_normal'],
    ['https://c.example:443/a', 'id_not_normal'],
    ['https://C.example/a', 'id_not_normal'],
    ['HTTPS://c.example/a', 'id_not_normal'],
    ['https://bücher.example/a', 'id_not_normal'],
    ['https://c.example./a', 'id_not_normal'],
    ['https:c.example/a', 'id_not_normal'],
    ['https:\\\\c.example\\a', 'id_not_normal'],
    [' https://c.example/a', 'id_not_normal'],
    ['https://c.example/a\n', 'id_not_normal'],
    ['https://c.exa\tmple/a', 'id_not_normal'],
    ['https://c.example/a b', 'id_not_normal'],
    ['https://127.0.0.1/a', 'id_with_address'],
    ['https://8.8.8.8/a', 'id_with_address'],
    ['https://[::1]/a', 'id_with_address'],
    ['https://2130706433/a', 'id_not_normal'],
    ['https://0177.0.0.1/a', 'id_not_normal'],
    ['https://c.example:8443/a', 'port_not_allowed'],
    ['https://c.example:0/a', 'port_not_allowed'],
    [`https://c.example/${'a'.repeat(2048)}`, 'id_malformed'],
  ])('M01 refuses %j as %s', (id, reason) => {
    expect(judge(id)).toBe(reason)
  })

  it('takes only the hosts and ports of its rules', () => {
    const rules = { hosts: ['claude.ai', '*.example'], ports: [443, 8443] }
    expect(judge('https://claude.ai/a', rules)).toBe('https://claude.ai/a')
    expect(judge('https://c.example:8443/a', rules)).toBe('https://c.example:8443/a')
    expect(judge('https://c.example:8444/a', rules)).toBe('port_not_allowed')
    for (const host of ['claude.ai.evil.test', 'a.claude.ai', 'evilclaude.ai', 'example']) {
      expect(judge(`https://${host}/a`, rules)).toBe('host_not_allowed')
    }
  })
})
