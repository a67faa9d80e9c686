import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createPages } from '../../src/pages/create-pages.js'
import type { Pages } from '../../src/pages/pages.js'
import {
  account,
  admin,
  apiToken,
  claude,
  connect,
  consent,
  cursor,
  done,
  form,
  leaving,
  loopback,
  renderStates,
  signIn,
} from './views.js'

const pages = createPages({
  brand: { name: 'Coda MCP', supportUrl: 'https://help.example.com/' },
})
const states = Object.entries(renderStates(pages))

/** Tags and names of attributes, without their values: what escaping must keep as it is. */
function skeletonOf(page: string): string {
  return Array.from(page.matchAll(/<[^>]*>/g), ([tag]) => tag.replace(/"[^"]*"/g, '""')).join('')
}

/** Text of a page, as a person reads it. */
function textOf(page: string): string {
  return page
    .replace(/^.*<body/s, '<body')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(?:amp|lt|gt|quot|#39);/g, '·')
    .replace(/\s+/g, ' ')
}

/** Values that the pages choose their words by, and so no text of anybody. */
const isChoice = (path: string) => /^(?:reason|outcome|notice)$|(?:^|\.)problem$/.test(path)

/** Copies of a view in which one string after the other is replaced. */
function* replaceEachString(
  view: unknown,
  value: string,
  path = '',
): Generator<{ path: string; replaced: unknown }> {
  if (typeof view === 'string') {
    if (!isChoice(path)) yield { path, replaced: value }
    return
  }
  if (typeof view !== 'object' || view === null) return
  for (const [key, child] of Object.entries(view)) {
    const below = path === '' ? key : `${path}.${key}`
    for (const { path: at, replaced } of replaceEachString(child, value, below)) {
      const copy = Array.isArray(view) ? [...view] : { ...view }
      Reflect.set(copy, key, replaced)
      yield { path: at, replaced: copy }
    }
  }
}

const VIEWS: Readonly<Record<Exclude<keyof Pages, 'headers'>, readonly unknown[]>> = {
  signIn: [
    {
      ...signIn,
      apiToken: { ...apiToken, problem: 'refused' },
      dev: { form: form('/dev'), users: [{ subject: 's', name: 'n', email: 'e' }] },
    },
  ],
  connect: [connect],
  consent: [consent, { ...consent, client: loopback }, { ...consent, client: cursor }],
  denied: [{ user: consent.user, reason: 'not_admitted', back: form('/back') }],
  error: [{ status: 400, reason: 'expired', requestId: 'r', retryAfterSeconds: 3 }],
  done: [done, { client: cursor, continueUrl: '/resume' }, { client: claude, continueUrl: '/r' }],
  leaving: [leaving],
  account: [{ ...account, isAdmin: true, admin }],
}

const render = (name: string, view: unknown): string =>
  (Reflect.get(pages, name) as (view: unknown) => string)(view)

const HOSTILE = [
  ['the end of an attribute', `"><script>alert(1)</script>`],
  ['the end of an attribute in single quotes', `' onmouseover='alert(1)`],
  ['the end of the style sheet and title', `</title></style><script>alert(1)</script>`],
  ['an image', `<img src=x onerror=alert(1)>`],
  ['a handler', `" autofocus onfocus=alert(1) x="`],
  ['a comment', `<!--`],
  ['a template of ours', '{brand}{client}{constructor}'],
  ['a replacement pattern', "$&$`$'$1"],
] as const

describe.each(Object.entries(VIEWS))('%s()', (name, views) => {
  it.each(HOSTILE)('A36 keeps %s in any string of its view as text', (_, value) => {
    let strings = 0
    for (const view of views) {
      const harmless = Array.from(replaceEachString(view, 'x'))
      for (const [index, { path, replaced }] of Array.from(
        replaceEachString(view, value),
      ).entries()) {
        strings += 1
        const page = render(name, replaced)
        expect(skeletonOf(page), path).toBe(skeletonOf(render(name, harmless[index]?.replaced)))
        expect(page, path).not.toMatch(/<script|<img|onerror=alert\(1\)>/)
      }
    }
    expect(strings).toBeGreaterThan(0)
  })

  it.each(['\u202e', '\u2066', '\0', '\u0085', '\ufeff'])(
    'A39 shows %j in any string of its view as a replacement character',
    (character) => {
      for (const view of views) {
        for (const { path, replaced } of replaceEachString(view, `a${character}b`)) {
          expect(render(name, replaced), path).not.toContain(character)
        }
      }
    },
  )
})

it('A36 links only to https, http on loopback, and mailto', () => {
  const linkOf = (helpUrl: string) =>
    pages.connect({ ...connect, apiToken: { ...apiToken, helpUrl } }).includes('target="_blank"')
  expect(linkOf('https://coda.io/account')).toBe(true)
  for (const url of [
    'javascript:alert(1)',
    'JAVASCRIPT:alert(1)',
    'data:text/html,x',
    '//x',
    'x',
  ]) {
    expect(linkOf(url), url).toBe(false)
  }
  expect(pages.leaving({ provider: 'x', continueUrl: 'javascript:alert(1)' })).not.toContain(
    'javascript:',
  )
})

describe('A27 the sign-in page', () => {
  it('names the client, its own host and the host it returns to', () => {
    const text = textOf(
      pages.signIn({ ...signIn, client: { ...claude, redirectHost: 'a.test:8443' } }),
    )
    for (const part of ['Claude', 'claude.ai', 'a.test:8443']) expect(text).toContain(part)
  })

  it('goes to an upstream only by a form with the token of this browser', () => {
    const page = pages.signIn(signIn)
    expect(page).toContain('<form method="post" action="/oauth/interaction/1/google">')
    const forms = page.match(/<form /g)?.length
    expect(page.match(/name="csrf_token" value="csrf-1"/g)).toHaveLength(forms ?? 0)
  })
})

describe('A38 the consent page', () => {
  const idHost = 'client.example.com'
  const redirectHost = `${'long-name.'.repeat(12)}example.net:8443`
  const page = pages.consent({ ...consent, client: { ...claude, idHost, redirectHost } })

  it('shows client, both hosts in full, scopes, person, resource', () => {
    const text = textOf(page)
    for (const part of [
      'Claude',
      idHost,
      redirectHost,
      'Read your docs, pages, tables and rows',
      'coda.read',
      'Change your docs and add rows',
      'coda.write',
      'Ann Rivers',
      'ann@example.com',
      'Google',
      'https://coda.example.com/mcp',
    ]) {
      expect(text, part).toContain(part)
    }
  })

  it('puts denying before allowing, beside it, and asks for either by one form', () => {
    const deny = page.indexOf('action="/oauth/interaction/1/deny"')
    const approve = page.indexOf('action="/oauth/interaction/1/approve"')
    expect(deny).toBeGreaterThan(0)
    expect(approve).toBeGreaterThan(deny)
    expect(page.slice(deny, approve)).not.toContain('<div')
  })

  it('warns of answers to this computer and to private schemes, and of nothing else', () => {
    expect(page).not.toContain('class="note"')
    expect(textOf(pages.consent({ ...consent, client: loopback }))).toContain(
      'Any program here can call itself Claude Code .',
    )
    const text = textOf(pages.consent({ ...consent, client: cursor }))
    expect(text).toContain('Whichever app has claimed cursor: addresses receives it.')
  })

  it('says that a name was not verified when no host vouches for it', () => {
    const warning = 'It has not been verified.'
    expect(textOf(page)).not.toContain(warning)
    expect(textOf(pages.consent({ ...consent, client: loopback }))).toContain(warning)
  })
})

describe('A40 headers', () => {
  it('let nothing in but the style sheet of the pages, by its hash', () => {
    const css = /<style>([^<]*)<\/style>/.exec(pages.signIn(signIn))?.[1] ?? ''
    const hash = createHash('sha256').update(css).digest('base64')
    expect(pages.headers).toEqual({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    expect(Object.isFrozen(pages.headers)).toBe(true)
  })
})

describe.each(states)('%s', (_, page) => {
  it('is one document with language, title, one h1, one main and headings in order', () => {
    expect(page).toMatch(/^<!doctype html><html lang="en" dir="ltr"><head><meta charset="utf-8">/)
    expect(page).toMatch(/<title>[^<]+ · Coda MCP<\/title>/)
    expect(page.match(/<h1>/g)).toHaveLength(1)
    expect(page.match(/<main[ >]/g)).toHaveLength(1)
    const levels = Array.from(page.matchAll(/<h([1-6])/g), ([, level]) => Number(level))
    for (const [index, level] of levels.entries()) {
      expect(level - (levels[index - 1] ?? 0)).toBeLessThanOrEqual(1)
    }
    expect(textOf(page)).not.toMatch(/undefined|\[object|\{[a-z]+\}/i)
  })

  it('D15 has no script, no handler, no inline style, and loads nothing', () => {
    expect(page).not.toMatch(/<script|\son\w+=|\sstyle=|@import|url\(/i)
    const loaded = Array.from(page.matchAll(/\s(?:src|srcset|data|poster)="([^"]*)"/g))
    expect(loaded).toEqual([])
    expect(page.match(/<link [^>]*>/g)).toEqual(['<link rel="icon" href="data:,">'])
  })

  it('gives every field a label and descriptions that exist, and every id once', () => {
    const ids = Array.from(page.matchAll(/\sid="([^"]*)"/g), ([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [, list = ''] of page.matchAll(/\saria-(?:describedby|labelledby)="([^"]*)"/g)) {
      for (const id of list.split(' ')) expect(ids).toContain(id)
    }
    for (const [tag] of page.matchAll(/<input [^>]*>/g)) {
      if (tag.includes('type="hidden"')) continue
      expect(page).toContain(`<label class="label" for="${/\sid="([^"]*)"/.exec(tag)?.[1]}">`)
      expect(tag).toContain('autocomplete="off"')
    }
  })

  it('has at most 30 kB', () => {
    expect(Buffer.byteLength(page)).toBeLessThanOrEqual(30_000)
  })
})

describe('the sign-in page', () => {
  it('has at most 30 kB with every way in and the largest logo, headers included', () => {
    const logo = `data:image/png;base64,${'A'.repeat(11_976)}`
    const large = createPages({ brand: { name: 'Coda MCP', logo } })
    const page = renderStates(large)['sign-in-all'] ?? ''
    expect(page).toContain(logo)
    const total = Buffer.byteLength(page) + Buffer.byteLength(JSON.stringify(large.headers))
    expect(total).toBeLessThanOrEqual(30_000)
  })

  it('takes a token as a password that no browser fills in', () => {
    const [input] = /<input id="api-token"[^>]*>/.exec(pages.signIn(signIn)) ?? ['']
    expect(input).toContain('type="password" autocomplete="off"')
    expect(input).not.toContain('value=')
  })

  it.each([
    ['empty', 'Paste your token first.'],
    ['refused', 'This token was not accepted.'],
    ['unavailable', 'could not be checked'],
    ['too_many', 'Too many attempts.'],
  ] as const)('ties the problem "%s" to the field, and names it in the title', (problem, text) => {
    const page = pages.signIn({ ...signIn, apiToken: { ...apiToken, problem } })
    expect(page).toContain('<title>Problem: ')
    expect(page).toContain(
      'aria-describedby="api-token-problem api-token-hint" aria-invalid="true"',
    )
    expect(page).toMatch(new RegExp(`id="api-token-problem" role="alert">[^<]*${text}`))
    expect(pages.signIn(signIn)).not.toContain('aria-invalid="true"')
  })
})

describe('done()', () => {
  it('says that the window can be closed, and links only where the link would work', () => {
    expect(textOf(pages.done(done))).toContain('You can close this window.')
    const onward = pages.done({ ...done, continueUrl: '/oauth/resume' })
    expect(onward).toContain('<a href="/oauth/resume"')
    expect(onward).toContain('afterwards')
    // The app opens beside the page, and the URL works once.
    const view = { client: cursor, continueUrl: '/oauth/resume' }
    const app = pages.done({ ...view, outcome: 'connected' })
    expect(app).not.toContain('/oauth/resume')
    expect(textOf(app)).toContain('you can close this window')
    // Nothing was decided yet: the next step is a page of ours.
    expect(pages.done(view)).toContain('<a href="/oauth/resume"')
  })
})

describe('account()', () => {
  it('writes times for people and machines', () => {
    expect(pages.account(account)).toMatch(
      /<time datetime="2026-11-21T15:40:00\.000Z">Nov 21, 2026, 3:40\sPM UTC<\/time>/,
    )
  })

  it('shows what was never used, and times that are none, as never', () => {
    const [app] = account.apps
    if (app === undefined) throw new Error('the sample has no app')
    for (const lastUsedAt of [undefined, Number.NaN, Number.POSITIVE_INFINITY, 1e20]) {
      const page = pages.account({ ...account, apps: [{ ...app, lastUsedAt }] })
      expect(page).toContain('<dt>Last used</dt><dd>never</dd>')
    }
  })

  it('shows the administration to administrators only', () => {
    expect(pages.account({ ...account, isAdmin: true, admin })).toContain('Audit trail')
    expect(pages.account({ ...account, isAdmin: false, admin })).not.toContain('Audit trail')
    expect(pages.account({ ...account, isAdmin: true })).not.toContain('Audit trail')
  })

  it('names what a button acts on', () => {
    const page = textOf(pages.account({ ...account, isAdmin: true, admin }))
    for (const name of [
      'Disconnect Cursor',
      'Delete for good Coda API token',
      'Suspend ben.okafor@example.com',
      'Revoke Claude',
    ]) {
      expect(page).toContain(name)
    }
  })
})

describe('error()', () => {
  it.each([
    [1, '1 second'],
    [30, '30 seconds'],
    [120, '120 seconds'],
    [121, '3 minutes'],
    [0.2, '1 second'],
  ])('writes %d seconds as %s', (retryAfterSeconds, text) => {
    const view = { status: 429, reason: 'too_many', requestId: 'r', retryAfterSeconds } as const
    expect(textOf(pages.error(view))).toContain(`Try again in ${text} .`)
  })
})
