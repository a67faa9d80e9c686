import { ConfigurationError } from '@bestviable/mcp-auth-middleware'
import { describe, expect, it } from 'vitest'
import { parseClientDocumentsOptions } from '../../src/clients/client-documents-options.js'

const problems = (options: unknown) => {
  try {
    parseClientDocumentsOptions(options)
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems.map(({ path }) => path)
    throw error
  }
}

describe('parseClientDocumentsOptions()', () => {
  it('has the defaults of its documentation', () => {
    expect(parseClientDocumentsOptions({})).toMatchObject({
      redirectPolicy: {},
      ports: [443],
      fetchesPerMinute: 120,
      fetchesPerHostPerMinute: 30,
      fetchesAtOnce: 20,
      cacheEntries: 1000,
      deadlineMilliseconds: 3000,
      dangerouslyAllowAddresses: [],
      now: Date.now,
    })
  })

  it('lists every bad option', () => {
    const options = {
      redirectPolicy: { hosts: ['HTTPS://c.test'], privateUris: ['myapp'], host: 'c.test' },
      allowHosts: [],
      ports: [0],
      fetchesPerMinute: 0,
      fetchesPerHostPerMinute: 1.5,
      fetchesAtOnce: '2',
      cacheEntries: -1,
      deadlineMilliseconds: 10_001,
      ca: 1,
      lookup: 'dns',
      dangerouslyAllowAddresses: ['127.0.0.1/33'],
      now: 0,
      dangerouslyAllowAddress: true,
    }
    expect(problems(options).sort()).toEqual([
      'allowHosts',
      'ca',
      'cacheEntries',
      'dangerouslyAllowAddress',
      'dangerouslyAllowAddresses.0',
      'deadlineMilliseconds',
      'fetchesAtOnce',
      'fetchesPerHostPerMinute',
      'fetchesPerMinute',
      'lookup',
      'now',
      'ports.0',
      'redirectPolicy.host',
      'redirectPolicy.hosts.0',
      'redirectPolicy.privateUris.0',
    ])
  })

  it('takes hosts, app URIs and ranges', () => {
    const options = {
      redirectPolicy: { hosts: ['c.test', '*.d.test'], privateUris: ['com.example.app:/cb'] },
      allowHosts: ['claude.ai'],
      dangerouslyAllowAddresses: ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'],
    }
    expect(problems(options)).toEqual([])
  })
})
