import { describe, expect, it } from 'vitest'
import { escapeHtml, html } from '../../src/pages/html.js'

describe('html', () => {
  it.each([
    ['an element', '<img src=x onerror=alert(1)>', '&lt;img src=x onerror=alert(1)&gt;'],
    ['the end of an attribute', `"><script>'\``, '&quot;&gt;&lt;script&gt;&#39;&#96;'],
    ['an entity', '&lt;', '&amp;lt;'],
    ['a control character', 'a\0b\u0008c', 'a\ufffdb\ufffdc'],
    ['characters that reorder text', 'a\u202eb\u2066c', 'a\ufffdb\ufffdc'],
    ['plain text', 'Zoë’s tool — 日本 👩‍💻', 'Zoë’s tool — 日本 👩‍💻'],
  ])('A36 writes %s as text', (_, value, expected) => {
    expect(escapeHtml(value)).toBe(expected)
    expect(html`<p title="${value}">${value}</p>`.toString()).toBe(
      `<p title="${expected}">${expected}</p>`,
    )
  })

  it('takes its own results as markup, also in lists, and nothing else', () => {
    const inner = html`<b>${'<'}</b>`
    expect(html`<p>${[inner, '<', 1, undefined, false]}</p>`.toString()).toBe(
      '<p><b>&lt;</b>&lt;1</p>',
    )
    const forged = { toString: () => '<script>' } as unknown as string
    expect(() => html`<p>${forged}</p>`.toString()).toThrow(TypeError)
  })

  it('refuses an attribute without quotes, which escaping would not protect', () => {
    expect(() => html`<p title=${'x onclick=alert(1)'}></p>`).toThrow(TypeError)
  })
})
