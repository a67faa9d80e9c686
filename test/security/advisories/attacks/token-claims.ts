import { expect } from 'vitest'
import { attack, expectRefused, type Target } from '../target.js'

async function expectClaimsRefused(
  target: Target,
  ...claims: readonly Readonly<Record<string, unknown>>[]
): Promise<void> {
  for (const each of claims) await expectRefused(target, await target.issuer.token(each))
}

const inAnHour = () => Math.floor(Date.now() / 1000) + 3600

/** Attacks by claims, and by headers that change what a token means. All signatures are right. */
export const CLAIM_ATTACKS = {
  'CVE-2025-62610': () =>
    attack(async (target) => {
      const faults = ['wrong-audience', 'no-audience', 'empty-audience', 'origin-audience'] as const
      for (const fault of faults) await expectRefused(target, await target.issuer.faulty(fault))
    }),

  'CVE-2025-69196': () =>
    attack(async (target) => {
      await expectClaimsRefused(
        target,
        { aud: 'https://mcp.test' },
        { aud: 'https://mcp.test/' },
        { aud: 'https://mcp.test/mcp2' },
      )
    }),

  'CVE-2025-30144': () =>
    attack(async (target) => {
      const { issuer } = target.issuer
      await expectClaimsRefused(target, { iss: ['https://evil.test', issuer] }, { iss: [issuer] })
    }),

  'CVE-2024-53861': () =>
    attack(async (target) => {
      const { issuer } = target.issuer
      await expectClaimsRefused(
        target,
        { iss: issuer.slice(0, 4) },
        { iss: issuer.slice(1, -1) },
        { iss: `${issuer}0` },
        { iss: '' },
      )
    }),

  'CVE-2026-44459': () =>
    attack(async (target) => {
      const ends = ['never', String(inAnHour()), true, null, [inAnHour()], { at: inAnHour() }, -1]
      await expectClaimsRefused(target, ...ends.map((exp) => ({ exp })))
      await expectClaimsRefused(target, { iat: 'now' }, { iat: inAnHour() })
    }),

  'CVE-2026-25537': () =>
    attack(async (target) => {
      await expectClaimsRefused(target, { nbf: '99999999999' }, { nbf: null }, { nbf: inAnHour() })
    }),

  'CVE-2026-32597': () =>
    attack(async (target) => {
      await expectRefused(target, await target.issuer.faulty('critical-header'))
    }),

  'CVE-2025-59420': () =>
    attack(async (target) => {
      const headers = [
        { crit: ['cork'], cork: 'split' },
        { crit: ['exp'], exp: 1 },
        { crit: [] },
        { crit: 'cork', cork: 'split' },
        { crit: ['absent'] },
      ]
      for (const header of headers) {
        await expectRefused(target, await target.issuer.token({}, { header }))
      }
    }),

  'GHSA-hm7r-c7qw-ghp6': () =>
    attack(async (target) => {
      const header = { crit: ['https://fast.test/bound-to'], 'https://fast.test/bound-to': 'x' }
      await expectRefused(target, await target.issuer.token({}, { header }))
    }),

  'CVE-2026-48525': () =>
    attack(async (target) => {
      await expectRefused(target, await target.issuer.faulty('unencoded-payload'))
      const header = { b64: false }
      const token = await target.issuer.token({ sub: 'bob' }, { header })
      expect((await target.call(token)).subject).not.toBe('bob')
    }),

  'CVE-2026-35039': () =>
    attack(async (target) => {
      const [ann, bob] = await Promise.all(
        ['ann', 'bob'].map((sub) => target.issuer.token({ sub, jti: 'same', client_id: 'same' })),
      )
      if (ann === undefined || bob === undefined) throw new Error('no tokens')
      for (let turn = 0; turn < 20; turn += 1) {
        const answers = await Promise.all([target.call(ann), target.call(bob)])
        expect(answers.map(({ subject }) => subject)).toEqual(['ann', 'bob'])
      }
      // What is remembered of one token says nothing about another that shares parts with it.
      const [header, payload] = ann.split('.')
      await expectRefused(target, `${header}.${payload}.${bob.split('.')[2]}`)
    }),
}
