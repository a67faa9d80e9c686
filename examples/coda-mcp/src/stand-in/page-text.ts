import { randomBytes } from 'node:crypto'
import { escapeHtml } from '../escape-html.js'
import type { SampleLine } from './sample-data.js'

export type PageTextFormat = 'markdown' | 'html'

interface Style {
  readonly name: string
  /** What a line begins with in Markdown. */
  readonly prefix: string
  readonly tag: string
  /** Tag around the line, for lists. */
  readonly list?: string
}

const paragraph: Style = { name: 'paragraph', prefix: '', tag: 'p' }
const styles: readonly Style[] = [
  { name: 'h3', prefix: '### ', tag: 'h3' },
  { name: 'h2', prefix: '## ', tag: 'h2' },
  { name: 'h1', prefix: '# ', tag: 'h1' },
  { name: 'bulletedList', prefix: '- ', tag: 'li', list: 'ul' },
  { name: 'numberedList', prefix: '1. ', tag: 'li', list: 'ol' },
  { name: 'blockQuote', prefix: '> ', tag: 'blockquote' },
  paragraph,
]

function line(style: string, content: string): SampleLine {
  return { id: `cl-${randomBytes(5).toString('hex')}`, style, content }
}

function parseMarkdown(text: string): SampleLine[] {
  return text
    .split('\n')
    .filter((row) => row.trim() !== '')
    .map((row) => {
      const style = styles.find(({ prefix }) => row.startsWith(prefix)) ?? paragraph
      return line(style.name, row.slice(style.prefix.length))
    })
}

const entities: Readonly<Record<string, string>> = { '&lt;': '<', '&gt;': '>', '&amp;': '&' }

function plainText(html: string): string {
  return html.replace(/<[^>]*>/g, '').replace(/&(?:lt|gt|amp);/g, (sign) => entities[sign] ?? sign)
}

function parseHtml(text: string): SampleLine[] {
  const blocks = [...text.matchAll(/<(h[1-3]|p|li|blockquote)\b[^>]*>(.*?)<\/\1>/gis)]
  if (blocks.length === 0) return text.trim() === '' ? [] : [line('paragraph', plainText(text))]
  return blocks.map(({ 1: tag, 2: content = '', index }) => {
    const isNumbered =
      text.slice(0, index).lastIndexOf('<ol') > text.slice(0, index).lastIndexOf('<ul')
    const style =
      styles.find((style) => style.tag === tag && (style.list !== 'ul' || !isNumbered)) ?? paragraph
    return line(style.name, plainText(content))
  })
}

/** Reads page content as far as the stand-in knows it: headings, paragraphs, lists and quotes. */
export function parsePageText(format: PageTextFormat, text: string): SampleLine[] {
  return format === 'markdown' ? parseMarkdown(text) : parseHtml(text)
}

/** Writes page content, as an export has it. */
export function formatPageText(format: PageTextFormat, lines: readonly SampleLine[]): string {
  return lines
    .map(({ style: name, content }) => {
      const { prefix, tag, list } = styles.find((style) => style.name === name) ?? paragraph
      if (format === 'markdown') return `${prefix}${content}`
      const element = `<${tag}>${escapeHtml(content)}</${tag}>`
      return list === undefined ? element : `<${list}>${element}</${list}>`
    })
    .join('\n')
}
