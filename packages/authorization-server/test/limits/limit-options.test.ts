import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { limitSettings, rateLimitProblems } from '../../src/limits/limit-options.js'

const good = { points: 1, durationSeconds: 1 }

describe('the option rateLimits', () => {
  it.each([
    ['nothing', undefined],
    ['false', false],
    ['no limit', {}],
    ['one limit', { signIn: good }],
    ['one that is off', { register: false, token: undefined }],
    ['the most', { pages: { points: 1_000_000, durationSeconds: 86_400 } }],
  ])('takes %s', (_, value) => expect(rateLimitProblems(value)).toEqual([]))

  it.each([
    ['true', true, ['rateLimits']],
    ['a list', [], ['rateLimits']],
    ['a misspelt limit', { signin: good }, ['rateLimits.signin']],
    ['a limit that objects inherit', { toString: good }, ['rateLimits.toString']],
    ['a number', { signIn: 5 }, ['rateLimits.signIn']],
    ['no points', { signIn: { durationSeconds: 1 } }, ['rateLimits.signIn.points']],
    ['no use at all', { signIn: { ...good, points: 0 } }, ['rateLimits.signIn.points']],
    ['too many', { signIn: { ...good, points: 1_000_001 } }, ['rateLimits.signIn.points']],
    ['no time', { token: { ...good, durationSeconds: 0 } }, ['rateLimits.token.durationSeconds']],
    [
      'over a day',
      { token: { ...good, durationSeconds: 86_401 } },
      ['rateLimits.token.durationSeconds'],
    ],
    ['a misspelt member', { token: { ...good, duration: 1 } }, ['rateLimits.token.duration']],
    [
      'all faults at once',
      { a: good, token: {} },
      ['rateLimits.a', 'rateLimits.token.points', 'rateLimits.token.durationSeconds'],
    ],
  ])('refuses %s', (_, value, paths) => {
    expect(rateLimitProblems(value).map(({ path }) => path)).toEqual(paths)
  })

  it('fills in the defaults, and turns off what is false', () => {
    const settings = limitSettings({ signIn: good, pages: false })
    expect(settings.signIn).toBe(good)
    expect(settings.pages).toBeUndefined()
    expect(settings.clientAuthentication).toEqual({ points: 10, durationSeconds: 300 })
    expect(Object.values(limitSettings(false)).every((limit) => limit === undefined)).toBe(true)
  })
})

const guide = new URL('../../../../docs/guides/authorization-server.md', import.meta.url)
const SECONDS: Record<string, number> = { '1 minute': 60, '5 minutes': 300, '1 hour': 3600 }

it('has the defaults that the guide tells', () => {
  const rows = readFileSync(guide, 'utf8').matchAll(/^\| `(\w+)` \| (\d+)[^|]* \| (\d+ \w+) \|/gm)
  const told = [...rows].map(([, name = '', points, time = '']) => [
    name,
    { points: Number(points), durationSeconds: SECONDS[time] },
  ])
  expect(Object.fromEntries(told)).toEqual(limitSettings(undefined))
})
