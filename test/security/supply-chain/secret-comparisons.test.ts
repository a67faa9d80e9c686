import { createSecretKey, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createSecrets } from '../../../packages/authorization-server/src/engine/secrets.js'
import { createRecordIds } from '../../../packages/authorization-server/src/storage/record-ids.js'
import { findSecretComparisons, findTimingSafeCalls } from './secret-comparisons.js'
import { PACKAGE_FOLDERS, parseSource, readSources } from './source-files.js'

const Reasons = z.record(z.string(), z.string().min(15))
const known = z
  .strictObject({ comparisons: Reasons, timingSafeEqual: Reasons })
  .parse(JSON.parse(readFileSync(new URL('./secret-comparisons.json', import.meta.url), 'utf8')))

const sources = readSources([
  ...PACKAGE_FOLDERS.map((folder) => `${folder}/src`),
  'examples/coda-mcp/src',
])
const comparisons = findSecretComparisons(sources)
const timingSafeCalls = findTimingSafeCalls(sources)

describe('P09 secrets are not compared in a time that depends on them', () => {
  it('P09 has a reason for every comparison of something named like a secret', () => {
    expect(comparisons.filter(({ key }) => !Object.hasOwn(known.comparisons, key))).toEqual([])
  })

  it('P09 knows why the two sides of every timingSafeEqual are equally long', () => {
    expect(timingSafeCalls.filter(({ key }) => !Object.hasOwn(known.timingSafeEqual, key))).toEqual(
      [],
    )
  })

  it('P09 has no reason for what is no longer there', () => {
    const keys = [...comparisons, ...timingSafeCalls].map(({ key }) => key)
    const reasons = [...Object.keys(known.comparisons), ...Object.keys(known.timingSafeEqual)]
    expect(reasons.filter((reason) => !keys.includes(reason))).toEqual([])
  })

  it.each([
    'if (clientSecret === given) run()',
    'if (given != row.token_digest) run()',
    'return form.get(name) === csrf',
    'return expected === signatureOf(body)',
    'const same = (a.refreshToken) !== b',
  ])('P09 finds %s', (text) => {
    const found = findSecretComparisons([parseSource('some.ts', text)])
    expect(found).toHaveLength(1)
  })

  it.each([
    'if (secret === undefined) run()',
    "if (typeof token === 'string') run()",
    "if (token === '') run()",
    'if (name === other) run()',
    'if (secret.length === 32) run()',
  ])('P09 passes %s', (text) => {
    expect(findSecretComparisons([parseSource('some.ts', text)])).toEqual([])
  })
})

// node:crypto throws ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH for unequal lengths, which would be a 500.
describe('P09 a value of another length', () => {
  const LENGTHS = [0, 1, 31, 42, 43, 44, 64, 10_000]

  it('is no signature, and does not throw', () => {
    const secrets = createSecrets([{ key: createSecretKey(randomBytes(32)) }])
    const right = secrets.sign('form', 'browser')
    expect(secrets.verify(right, 'form', 'browser')).toBe(true)
    for (const length of LENGTHS) {
      for (const letter of ['A', 'é', '\0']) {
        const given = letter.repeat(length)
        expect(secrets.verify(given, 'form', 'browser'), `${length}`).toBe(false)
      }
    }
    expect(secrets.verify(`${right.slice(0, -1)}é`, 'form', 'browser')).toBe(false)
  })

  it('is no handle of a record, and does not throw', () => {
    const ids = createRecordIds()('Session')
    const digest = Buffer.alloc(32, 7)
    expect(ids.digest(ids.handle(digest))).toEqual(digest)
    for (const length of LENGTHS) {
      const forged = `record:${digest.toString('base64url')}.${'A'.repeat(length)}`
      expect(Buffer.from(ids.digest(forged))).not.toEqual(digest)
    }
  })
})
