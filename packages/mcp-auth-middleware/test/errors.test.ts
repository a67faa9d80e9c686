import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import * as errors from '../src/errors.js'

const {
  AUTH_ERROR_CODES,
  ConfigurationError,
  CredentialRequiredError,
  IssuerUnavailableError,
  isAuthError,
  isOAuthError,
  OAuthError,
  StoreConflictError,
  StoreIntegrityError,
  StoreInvalidError,
  StoreUnavailableError,
  StoreUnsupportedError,
} = errors

const ONE_OF_EACH = [
  new ConfigurationError('createMcpAuth', [{ path: 'resource', message: 'is required' }]),
  new IssuerUnavailableError('https://as.test', 5),
  new CredentialRequiredError('coda', 'https://mcp.test/connect'),
  new StoreUnavailableError('the store did not answer'),
  new StoreIntegrityError('the record cannot be opened'),
  new StoreConflictError('the stored version is another one'),
  new StoreInvalidError('the secret is empty'),
  new StoreUnsupportedError('the store cannot write'),
]

describe('docs/reference/errors.md', () => {
  const page = readFileSync(new URL('../../../docs/reference/errors.md', import.meta.url), 'utf8')

  it('documents every error code, and only codes that exist', () => {
    const documented = [...page.matchAll(/^### (ERR_[A-Z_]+)$/gm)].map(([, code]) => code)
    expect(documented.sort()).toEqual([...AUTH_ERROR_CODES].sort())
  })

  it('says for each code which class it is, its cause and its fix', () => {
    const sections = page.split(/^### /m).slice(1)
    for (const error of ONE_OF_EACH) {
      const section = sections.find((text) => text.startsWith(`${error.code}\n`))
      expect(section).toContain(`\`${error.name}\``)
      expect(section).toMatch(/^\*\*Cause\.\*\* /m)
      expect(section).toMatch(/^\*\*Fix\.\*\* /m)
    }
  })

  it('names no error code that does not exist in its text', () => {
    const mentioned = new Set([...page.matchAll(/\bERR_[A-Z_]+\b/g)].map(([code]) => code))
    expect([...mentioned].sort()).toEqual([...AUTH_ERROR_CODES].sort())
  })
})

describe('AuthError', () => {
  it('has one class for every code', () => {
    expect(ONE_OF_EACH.map(({ code }) => code)).toEqual([...AUTH_ERROR_CODES])
  })

  it.each(ONE_OF_EACH)('$name is named after its class and keeps its cause', (error) => {
    const Class = Reflect.get(errors, error.name)
    expect(error).toBeInstanceOf(Class)
    expect(error).toBeInstanceOf(Error)
    const cause = new Error('below')
    expect(new StoreUnavailableError('x', { cause }).cause).toBe(cause)
    expect(new IssuerUnavailableError('x', 1, { cause }).cause).toBe(cause)
    expect(new CredentialRequiredError('x', undefined, { cause }).cause).toBe(cause)
  })

  it('names outside values so that they cannot forge a log line', () => {
    const forged = 'https://as.test\n2026-01-01 admin logged in'
    expect(new IssuerUnavailableError(forged, 1).message).not.toContain('\n')
    expect(new CredentialRequiredError(forged).message).not.toContain('\n')
  })

  it('lists every problem of a configuration in its message', () => {
    const error = new ConfigurationError('createMcpAuth', [
      { path: 'resource', message: 'is required' },
      { path: 'validators[0]', message: 'is not a validator' },
    ])
    expect(error.message).toBe(
      'createMcpAuth: 2 options are not usable\n  resource: is required\n  validators[0]: is not a validator',
    )
    expect(inspect(error)).toContain('validators[0]')
  })
})

describe('isAuthError() and isOAuthError()', () => {
  afterEach(() => vi.resetModules())

  it('tell the two families apart', () => {
    const oauth = new OAuthError('invalid_token', 'The token is over.', 401)
    expect(oauth).toMatchObject({ name: 'OAuthError', error: 'invalid_token', status: 401 })
    expect([isAuthError(oauth), isOAuthError(oauth)]).toEqual([false, true])
    for (const error of ONE_OF_EACH) {
      expect([isAuthError(error), isOAuthError(error)]).toEqual([true, false])
    }
  })

  it('know the errors of a second copy of this package', async () => {
    vi.resetModules()
    const copy = await import('../src/errors.js')
    expect(copy.StoreUnavailableError).not.toBe(StoreUnavailableError)
    const foreign = new copy.StoreUnavailableError('x')
    expect(foreign).not.toBeInstanceOf(StoreUnavailableError)
    expect(isAuthError(foreign)).toBe(true)
    expect(isOAuthError(new copy.OAuthError('server_error', 'x', 500))).toBe(true)
  })

  it.each([
    undefined,
    null,
    'ERR_CONFIGURATION',
    new Error('x'),
    { code: 'ERR_CONFIGURATION', name: 'ConfigurationError' },
    { [Symbol('@bestviable/mcp-auth-middleware/AuthError')]: true },
  ])('take %s for neither', (value) => {
    expect([isAuthError(value), isOAuthError(value)]).toEqual([false, false])
  })
})
