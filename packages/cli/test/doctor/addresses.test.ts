import { describe, expect, it } from 'vitest'
import {
  isBuiltFromRequest,
  isInternal,
  isLoopback,
  mayAsk,
} from '../../src/doctor/http/addresses.js'

describe('isLoopback()', () => {
  it.each(['127.0.0.1', '127.1.2.3', 'localhost', 'app.localhost', '[::1]'])('knows %s', (host) =>
    expect(isLoopback(host)).toBe(true),
  )
  it.each(['128.0.0.1', 'localhost.example.com', 'notlocalhost', '[::2]', '127.example.com'])(
    'does not take %s for it',
    (host) => expect(isLoopback(host)).toBe(false),
  )
})

describe('isInternal()', () => {
  it.each([
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '[fd00::1]',
    '[fe80::1]',
    'coda-mcp',
    'coda.default.svc',
    'printer.local',
    'metadata.google.internal.',
    'redis.default.svc.',
    'localhost.',
    '[::]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[fec0::1]',
    '198.18.0.1',
  ])('knows %s', (host) => expect(isInternal(host)).toBe(true))
  it.each([
    '11.0.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '198.20.0.1',
    '[2606:4700::6810:85e5]',
    '[64:ff9b::808:808]',
    'local.example.com',
    'example.com.',
  ])('takes %s for public', (host) => expect(isInternal(host)).toBe(false))
})

describe('mayAsk()', () => {
  const PUBLIC = new URL('https://coda.example.com/mcp')
  const LOCAL = new URL('http://127.0.0.1:8080/mcp')

  it.each(['https://login.example.com/', 'http://login.example.com/'])('asks %s', (url) =>
    expect(mayAsk(new URL(url), PUBLIC)).toBe(true),
  )
  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://localhost:9000/',
    'http://10.0.0.1/',
    'file:///etc/passwd',
    'https://user@login.example.com/',
  ])('is not led to %s by a public server', (url) =>
    expect(mayAsk(new URL(url), PUBLIC)).toBe(false),
  )
  it('is led anywhere by a server on this machine', () =>
    expect(mayAsk(new URL('http://10.0.0.1/'), LOCAL)).toBe(true))
})

describe('isBuiltFromRequest()', () => {
  it.each([
    ['http://coda.example.com/mcp', 'https://coda.example.com/mcp'],
    ['http://coda-mcp:8080/mcp', 'https://coda.example.com/mcp'],
    ['https://10.0.0.7/mcp', 'https://coda.example.com/mcp'],
    ['http://coda.example.com/mcp', 'http://127.0.0.1:8080/mcp'],
  ])('recognises %s at %s', (url, target) =>
    expect(isBuiltFromRequest(new URL(url), new URL(target))).toBe(true),
  )
  it.each([
    ['https://coda.example.com/mcp', 'https://coda.example.com/mcp'],
    ['https://login.example.com', 'https://coda.example.com/mcp'],
    ['http://localhost:8080/mcp', 'http://127.0.0.1:8080/mcp'],
    ['https://login.example.com', 'http://127.0.0.1:8080/mcp'],
  ])('leaves %s at %s alone', (url, target) =>
    expect(isBuiltFromRequest(new URL(url), new URL(target))).toBe(false),
  )
})
