import type { ConfigurationError } from '@bestviable/mcp-auth-middleware'
import { describe, expect, it } from 'vitest'
import { createPages } from '../../src/pages/create-pages.js'
import { consent, signIn } from './views.js'

const brand = { name: 'Coda MCP' }

function problemsOf(options: unknown): readonly string[] {
  try {
    createPages(options as Parameters<typeof createPages>[0])
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_CONFIGURATION' })
    return (error as ConfigurationError).problems.map(({ path, message }) => `${path}: ${message}`)
  }
  return []
}

describe('createPages()', () => {
  it('names every bad option at once', () => {
    const problems = problemsOf({
      brand: {
        name: '',
        logo: 'logo.png',
        colors: { accent: 'red', accnet: '#fff' },
        supportUrl: 'http://help.example.com/',
      },
      texts: { consentAlow: 'Yes', consentDeny: '' },
      theme: 'x',
    })
    expect(problems.map((problem) => problem.split(':')[0]).sort()).toEqual([
      'brand.colors.accent',
      'brand.colors.accnet',
      'brand.logo',
      'brand.name',
      'brand.supportUrl',
      'texts.consentAlow',
      'texts.consentDeny',
      'theme',
    ])
  })

  it.each([undefined, null, 'x', {}])('refuses %j in place of options', (options) => {
    expect(problemsOf(options).length).toBeGreaterThan(0)
  })

  it.each(['https://help.example.com/', 'mailto:help@example.com'])('takes %s for help', (url) => {
    expect(problemsOf({ brand: { ...brand, supportUrl: url } })).toEqual([])
  })

  it.each(['javascript:alert(1)', 'data:text/html,x', '/help', 'https://u:p@example.com/'])(
    'refuses %s for help',
    (supportUrl) => {
      expect(problemsOf({ brand: { ...brand, supportUrl } })).toHaveLength(1)
    },
  )
})

describe('colours of the brand', () => {
  it.each([
    ['in both schemes', { accent: '#d9480f' }],
    ['short', { accent: '#c40' }],
    ['as rgb()', { accent: 'rgb(200, 60, 20)', accentText: 'rgb(255 255 255)' }],
    ['black with another one for the dark scheme', { accent: '#000', accentDark: '#fff' }],
  ])('are taken %s', (_, colors) => {
    expect(problemsOf({ brand: { ...brand, colors } })).toEqual([])
  })

  it.each([
    ['black on the dark page', { accent: '#000000' }, 'brand.colors.accent', '3 : 1'],
    ['yellow on the light page', { accent: '#ffee00' }, 'brand.colors.accent', '3 : 1'],
    [
      'a bad one for the dark scheme',
      { accentDark: '#202020' },
      'brand.colors.accentDark',
      '3 : 1',
    ],
    [
      'white on orange',
      { accent: '#e06c2f', accentText: '#ffffff' },
      'brand.colors.accentText',
      '4.5 : 1',
    ],
    ['a name', { accent: 'rebeccapurple' }, 'brand.colors.accent', '#rrggbb'],
    ['CSS', { accent: '#fff;}*{background:url(//x)' }, 'brand.colors.accent', '#rrggbb'],
    ['a number over 255', { accent: 'rgb(256, 0, 0)' }, 'brand.colors.accent', '#rrggbb'],
  ])('are refused: %s', (_, colors, path, message) => {
    const [problem] = problemsOf({ brand: { ...brand, colors } })
    expect(problem).toContain(`${path}: `)
    expect(problem).toContain(message)
  })

  it('reach the style sheet, and so its hash in the policy', () => {
    const plain = createPages({ brand })
    const coloured = createPages({ brand: { ...brand, colors: { accent: '#d9480f' } } })
    expect(coloured.signIn(signIn)).toContain('--accent:#d9480f;')
    expect(coloured.headers['content-security-policy']).not.toBe(
      plain.headers['content-security-policy'],
    )
  })
})

const svg = (inside: string, attributes = 'viewBox="0 0 8 8"') =>
  `<svg ${attributes}>${inside}</svg>`

describe('logo of the brand', () => {
  it.each([
    [
      'shapes',
      svg('<g fill="#c40"><path d="M0 0L8 8Z"/><circle cx="4" cy="4" r="2"></circle></g>'),
    ],
    [
      'a gradient',
      svg(
        '<defs><linearGradient id="a"><stop offset="0" stop-color="#fff"/></linearGradient></defs><rect width="8" height="8" fill="url(#a)"/>',
      ),
    ],
    ['a PNG', 'data:image/png;base64,iVBORw0KGgo='],
    ['an SVG image', "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"],
  ])('may be %s', (_, logo) => {
    const page = createPages({ brand: { ...brand, logo } }).signIn(signIn)
    expect(page).toMatch(/<header class="top"><span><(svg|img) class="logo"/)
  })

  it.each([
    ['a script', svg('<script>alert(1)</script>')],
    ['a handler', svg('<path onload="alert(1)"/>')],
    ['a handler of its own', svg('', 'viewBox="0 0 8 8" onload="alert(1)"')],
    ['foreign markup', svg('<foreignObject><p>x</p></foreignObject>')],
    ['a link', svg('<a href="javascript:alert(1)"><path d="M0 0"/></a>')],
    ['a reference', svg('<use href="https://evil.test/x.svg#a"/>')],
    ['an image', svg('<image href="https://evil.test/x.png"/>')],
    ['an outer paint', svg('<rect fill="url(https://evil.test/#a)"/>')],
    ['an animation', svg('<animate attributeName="href"/>')],
    ['a style', svg('<rect style="fill:red"/>')],
    ['a style sheet', svg('<style>*{fill:red}</style>')],
    ['text', svg('hello')],
    ['a comment', svg('<!-- --><path d="M0 0"/>')],
    ['an entity', svg('<path d="&#x6a;"/>')],
    ['a doctype', `<!DOCTYPE svg>${svg('')}`],
    ['markup after it', `${svg('')}<p>x</p>`],
    ['two of them', svg('') + svg('')],
    ['one that is not closed', '<svg viewBox="0 0 8 8"><g>'],
    ['an attribute without quotes', '<svg viewBox=0><path d=M0/></svg>'],
    ['a document', 'data:text/html;base64,PGI+'],
    ['a URL', 'https://evil.test/logo.png'],
    ['an image with a quote in it', 'data:image/png;base64,AAAA" onerror="alert(1)'],
    ['a large image', `data:image/png;base64,${'A'.repeat(12_000)}`],
  ])('may not have %s', (_, logo) => {
    expect(problemsOf({ brand: { ...brand, logo } })).toHaveLength(1)
  })
})

describe('texts of the operator', () => {
  it('take the place of ours, with their placeholders, as plain text', () => {
    const pages = createPages({
      brand,
      texts: {
        language: 'de',
        consentTitle: 'Darf {client} <b>{brand}</b> nutzen?',
        consentAllow: 'Erlauben',
      },
    })
    const page = pages.consent(consent)
    expect(page).toContain('<html lang="de" dir="ltr">')
    expect(page).toContain(
      '<title>Darf Claude &lt;b&gt;Coda MCP&lt;/b&gt; nutzen? · Coda MCP</title>',
    )
    expect(page).toContain(
      'Darf <bdi>Claude</bdi> &lt;b&gt;<bdi>Coda MCP</bdi>&lt;/b&gt; nutzen?</h1>',
    )
    expect(page).toContain('>Erlauben</button>')
  })

  it('cannot take away what a person has to see', () => {
    const pages = createPages({ brand, texts: { consentTitle: 'Go on?', signInLead: 'Hello.' } })
    for (const page of [pages.consent(consent), pages.signIn(signIn)]) {
      expect(page).toContain('<bdi class="name">Claude</bdi>')
      expect(page).toContain('<bdi class="host">claude.ai</bdi>')
    }
  })

  it('writes languages from right to left in that direction', () => {
    const pages = createPages({ brand, texts: { language: 'ar-EG' } })
    expect(pages.signIn(signIn)).toContain('<html lang="ar-EG" dir="rtl">')
  })

  it.each([
    ['an unknown placeholder', { consentAllow: 'Yes {client}' }],
    ['a placeholder of another text', { signInTitle: 'Sign in, {client}' }],
    ['a line break', { consentAllow: 'Yes\nindeed' }],
    ['characters that reorder text', { consentAllow: 'Yes\u202e' }],
    ['a text of 501 characters', { consentAllow: 'a'.repeat(501) }],
    ['blanks', { consentAllow: '  ' }],
    ['something else than text', { consentAllow: 1 }],
    ['a name of Object.prototype', { toString: 'x' }],
    ['a language that is none', { language: 'english please' }],
    ['something else than an object', 'x'],
  ])('are refused with %s', (_, texts) => {
    expect(problemsOf({ brand, texts })).toHaveLength(1)
  })
})
