import { expect } from 'vitest'
import { bombToken, encodePart } from '../forge.js'
import { attack, expectRefused, type Target } from '../target.js'

const MIB = 1024 ** 2

/** Sends a token often, and expects that nothing big was made of it. */
async function expectSmall(target: Target, token: string): Promise<void> {
  expect(token.length).toBeLessThan(8192)
  const before = process.memoryUsage().arrayBuffers
  for (let turn = 0; turn < 20; turn += 1) await expectRefused(target, token)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * MIB)
}

/** Attacks by tokens that are small when they arrive. */
export const SIZE_ATTACKS = {
  'CVE-2024-28176': () =>
    attack(async (target) => expectSmall(target, await bombToken(target, MIB))),

  'CVE-2024-28180': () =>
    attack(async (target) => expectSmall(target, await bombToken(target, 2 * MIB))),

  'CVE-2024-33664': () =>
    attack(async (target) => expectSmall(target, await bombToken(target, 3 * MIB))),

  'CVE-2025-63811': () =>
    attack(async (target) => expectSmall(target, await bombToken(target, 4 * MIB))),

  'CVE-2025-30204': () =>
    attack(async (target) => {
      const before = target.issuer.requests('jwks')
      await expectRefused(target, '.'.repeat(8000), `a${'.'.repeat(8000)}b`)
      expect(target.issuer.requests('jwks')).toBe(before)
    }),

  'CVE-2025-22868': () =>
    attack(async (target) => {
      const header = encodePart({ alg: 'RS256', kid: 'x' })
      const before = target.issuer.requests('jwks')
      await expectRefused(target, `${header}.`.repeat(150), `${header}${'.a'.repeat(3900)}`)
      expect(target.issuer.requests('jwks')).toBe(before)
    }),

  'CVE-2026-35041': () =>
    attack(async (target) => {
      const hostile = [`${'a'.repeat(4000)}!`, `${'/'.repeat(4000)}x`, `${'a@'.repeat(2000)} `]
      for (const text of hostile) {
        for (const claim of ['aud', 'iss', 'typ', 'scope']) {
          const token = await target.issuer.token({ [claim]: text })
          const started = performance.now()
          const { status } = await target.call(token)
          // An expression that tries every way to read it would need longer than the universe is old.
          expect(performance.now() - started).toBeLessThan(2000)
          expect([200, 401]).toContain(status)
          if (claim === 'aud' || claim === 'iss') expect(status).toBe(401)
        }
      }
    }),
}
