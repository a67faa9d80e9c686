import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type ApiTokenLoginOptions, apiTokenLogin } from '../../src/login/api-token-login.js'

const ann = { subject: 'ann@example.com', name: 'Ann', email: 'Ann@Example.com' }

function login(options: Partial<ApiTokenLoginOptions> = {}) {
  const asked: string[] = []
  const made = apiTokenLogin({
    label: 'Coda API token',
    issuer: 'https://coda.io',
    verify: async (token) => {
      asked.push(token)
      return ann
    },
    ...options,
  })
  return {
    made,
    asked,
    verify: (token: string, signal = new AbortController().signal) =>
      made.verify(token, { signal }),
  }
}

describe('apiTokenLogin()', () => {
  it('describes the form and gives back the account that the upstream names', async () => {
    const { made, verify } = login({ helpUrl: 'https://coda.io/account', hint: '36 characters' })

    expect(made).toMatchObject({
      kind: 'api-token',
      id: 'api-token',
      label: 'Coda API token',
      helpUrl: 'https://coda.io/account',
      hint: '36 characters',
      issuer: 'https://coda.io',
    })
    await expect(verify('good-token')).resolves.toEqual({
      subject: 'ann@example.com',
      name: 'Ann',
      email: 'ann@example.com',
    })
  })

  it.each([
    ['a blank and a line break around it', ' \tgood-token\r\n'],
    ['a byte order mark before it', '\uFEFFgood-token'],
  ])('asks with the token alone when there is %s', async (_name, pasted) => {
    const { asked, verify } = login()
    await verify(pasted)

    expect(asked).toEqual(['good-token'])
  })

  it('asks for a token of 8192 characters', async () => {
    const { asked, verify } = login()
    await verify('x'.repeat(8192))

    expect(asked).toHaveLength(1)
  })

  it.each([
    ['empty', ''],
    ['blank', ' \n\t '],
    ['of 8193 characters', 'x'.repeat(8193)],
    ['of a million blanks', ' '.repeat(1_000_000)],
    ['two words', 'good token'],
    ['two lines', 'good\ntoken'],
    ['with a carriage return and a header', 'good\r\nx-evil: 1'],
    ['with a NUL', 'good\u0000token'],
    ['with an escape', 'good\u001B[2Jtoken'],
    ['with a zero-width blank', 'good\u200Btoken'],
    ['with a turn of direction', 'good\u202Etoken'],
    ['not ASCII', 'gööd'],
    ['with a lone surrogate', 'good\uD800'],
  ])('refuses without asking what is %s', async (_name, pasted) => {
    const { asked, verify } = login()

    await expect(verify(pasted)).resolves.toBeUndefined()
    expect(asked).toEqual([])
  })

  it('says that the upstream does not accept the token', async () => {
    const { verify } = login({ verify: async () => undefined })

    await expect(verify('good-token')).resolves.toBeUndefined()
  })

  it.each<[string, ApiTokenLoginOptions['verify']]>([
    ['rejects', async (token) => Promise.reject(new Error(`canary ${token}`))],
    [
      'throws',
      (token) => {
        throw new Error(`canary ${token}`)
      },
    ],
    ['never ends', () => new Promise(() => undefined)],
    ['names no account', async () => ({ subject: '' })],
    ['names an account with a line break', async () => ({ subject: 'a\nb' })],
    ['names an account that is too long', async () => ({ subject: 'x'.repeat(256) })],
  ])('rejects as unavailable, without the token, when the upstream %s', async (_name, ask) => {
    const { verify } = login({ verify: ask, timeoutMilliseconds: 100 })
    const error: unknown = await verify('canary-token').catch((thrown: unknown) => thrown)

    expect(error).toMatchObject({ code: 'ERR_ISSUER_UNAVAILABLE', issuer: 'https://coda.io' })
    expect(inspect(error, { depth: 9 })).not.toContain('canary')
  })

  it('stops the request at the deadline, and when the caller goes', async () => {
    const signals: AbortSignal[] = []
    const { verify } = login({
      timeoutMilliseconds: 30_000,
      verify: (_token, { signal }) => {
        signals.push(signal)
        return new Promise(() => undefined)
      },
    })
    const caller = new AbortController()
    const pending = verify('good-token', caller.signal)
    caller.abort()

    await expect(pending).rejects.toMatchObject({ code: 'ERR_ISSUER_UNAVAILABLE' })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  it('drops a name and an address that cannot be used', async () => {
    const { verify } = login({
      verify: async () => ({ subject: 'ann', name: '\u202E', email: 'ann@@example.com' }),
    })

    await expect(verify('good-token')).resolves.toEqual({
      subject: 'ann',
      name: undefined,
      email: undefined,
    })
  })

  it.each<[string, Record<string, unknown>]>([
    ['label', { label: '' }],
    ['helpUrl', { helpUrl: 'javascript:alert(1)' }],
    ['issuer', { issuer: 'coda.io' }],
    ['verify', { verify: undefined }],
    ['id', { id: 'a b' }],
    ['timeoutMilliseconds', { timeoutMilliseconds: 2 ** 31 }],
    ['verfy', { verfy: () => undefined }],
  ])('P18 refuses to be made with a bad %s', (path, options) => {
    expect(() => login(options)).toThrow(path)
  })
})
