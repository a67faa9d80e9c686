import { describe, expect, it } from 'vitest'
import { parseDocumentId } from '../../src/clients/document-id.js'
import { FetchFailure } from '../../src/clients/fetch-failure.js'
import { matchRedirectUri } from '../../src/clients/match-redirect-uri.js'

const PREFIX = 'https://c.example/'

function judge(id: string, ports: readonly number[] = [443]) {
  try {
    return parseDocumentId(id, { hosts: undefined, ports }).href
  } catch (error) {
    if (!(error instanceof FetchFailure)) throw error
    return `${error.kind} ${error.reason}`
  }
}

describe('parseDocumentId()', () => {
  it('M01 takes 2048 characters and refuses one more', () => {
    const longest = PREFIX + 'a'.repeat(2048 - PREFIX.length)
    expect(judge(longest)).toBe(longest)
    expect(judge(`${longest}a`)).toBe('invalid id_malformed')
  })

  it.each([
    ['https://:p@c.example/a', 'invalid id_with_user'],
    ['https://u@c.example/a', 'invalid id_with_user'],
    ['https://c.example./a', 'invalid id_not_normal'],
    ['https://1.2.3.4/a', 'invalid id_with_address'],
    ['https://[::1]/a', 'invalid id_with_address'],
  ])('M01 refuses %s as %s', (id, reason) => {
    expect(judge(id)).toBe(reason)
  })

  it('takes port 443 only where it is listed', () => {
    expect(judge('https://c.example/a', [8443])).toBe('invalid port_not_allowed')
    expect(judge('https://c.example:8443/a', [8443])).toBe('https://c.example:8443/a')
  })
})

describe('matchRedirectUri()', () => {
  it('never takes the empty text, also where it is registered', () => {
    expect(matchRedirectUri([''], '')).toBe(false)
  })

  it('looks through every registered URI', () => {
    const registered = ['com.app:/cb', 'http://localhost/a', 'http://127.0.0.1/a']
    expect(matchRedirectUri(registered, 'http://127.0.0.1:1/a')).toBe(true)
    expect(matchRedirectUri(registered, 'http://127.0.0.1:1/b')).toBe(false)
    expect(matchRedirectUri(registered, 'http://[::1]:1/a')).toBe(false)
  })
})
