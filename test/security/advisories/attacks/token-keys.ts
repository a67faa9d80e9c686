import { expect } from 'vitest'
import {
  encodePart,
  encryptedToken,
  goodClaims,
  hmacToken,
  openSshKey,
  publicKeyOf,
  publishedKey,
} from '../forge.js'
import { attack, expectRefused } from '../target.js'

const PEM = { type: 'spki', format: 'pem' } as const

/** Attacks on the choice of the key and of the algorithm that a token is verified with. */
export const KEY_ATTACKS = {
  'CVE-2026-22817': () =>
    attack(async (target) => {
      const pem = (await publicKeyOf(target)).export(PEM)
      await expectRefused(target, await hmacToken(target, pem))
    }),

  'CVE-2026-22818': () =>
    attack(async (target) => {
      const { alg: _, ...key } = await publishedKey(target)
      target.issuer.keys.publish({ ...key, kid: 'without-alg' }, { first: true })
      const pem = (await publicKeyOf(target)).export(PEM)
      await expectRefused(
        target,
        await hmacToken(target, pem, { kid: 'without-alg' }),
        await hmacToken(target, pem, { kid: 'without-alg', alg: 'HS512' }),
      )
    }),

  'CVE-2026-34950': () =>
    attack(async (target) => {
      const pem = (await publicKeyOf(target)).export(PEM)
      for (const blank of [' ', '\n', '\t\r\n']) {
        await expectRefused(target, await hmacToken(target, `${blank}${pem}`))
      }
    }),

  'CVE-2024-33663': () =>
    attack(
      async (target) => {
        const jwk = await publishedKey(target)
        const der = (await publicKeyOf(target)).export({ type: 'spki', format: 'der' })
        await expectRefused(
          target,
          await hmacToken(target, openSshKey(jwk)),
          await hmacToken(target, der),
        )
      },
      { algorithm: 'ES256' },
    ),

  'CVE-2026-48526': () =>
    attack(async (target) => {
      const jwk = await publishedKey(target)
      const plain = { kty: jwk.kty, n: jwk.n, e: jwk.e }
      for (const secret of [JSON.stringify(jwk), JSON.stringify(plain), jwk.n ?? '']) {
        await expectRefused(target, await hmacToken(target, secret))
      }
    }),

  'CVE-2026-44351': () =>
    attack(async (target) => {
      await expectRefused(
        target,
        await hmacToken(target, ''),
        await hmacToken(target, '', { kid: 'nobody-has-this' }),
        await hmacToken(target, '', { kid: undefined }),
      )
    }),

  'CVE-2026-45363': () =>
    attack(async (target) => {
      for (const alg of ['HS256', 'HS384', 'HS512']) {
        await expectRefused(target, await hmacToken(target, '', { alg }))
      }
    }),

  'CVE-2025-65945': () =>
    attack(async (target) => {
      for (const kid of ['', 'undefined', '../../../../dev/null', '__proto__', 'constructor']) {
        await expectRefused(target, await hmacToken(target, kid, { kid }))
      }
    }),

  'CVE-2026-27962': () =>
    attack(async (target) => {
      const [header = '', ...rest] = (await target.issuer.faulty('embedded-jwk')).split('.')
      const members = JSON.parse(Buffer.from(header, 'base64url').toString())
      expect(members.jwk).toBeTypeOf('object')
      await expectRefused(target, [header, ...rest].join('.'))
    }),

  'CVE-2024-21643': () =>
    attack(async (target) => {
      await expectRefused(target, await target.issuer.faulty('remote-jku'))
      expect(target.issuer.requests('foreign-jwks')).toBe(0)
    }),

  'CVE-2026-29000': () =>
    attack(async (target) => {
      const claims = encodePart(await goodClaims(target))
      const unsigned = `${encodePart({ alg: 'none' })}.${claims}.`
      await expectRefused(target, unsigned, await encryptedToken(target, unsigned))
    }),

  'CVE-2026-48524': () =>
    attack(async (target) => {
      const before = target.issuer.requests('jwks')
      for (let turn = 0; turn < 50; turn += 1) {
        await expectRefused(target, await target.issuer.faulty('unknown-kid'))
      }
      expect(target.issuer.requests('jwks') - before).toBeLessThanOrEqual(1)
    }),
}
