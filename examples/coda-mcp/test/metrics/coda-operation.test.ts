import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { codaOperationOf } from '../../src/metrics/coda-operation.js'

const baseUrl = 'https://coda.io/apis/v1'
const description = new URL(
  '../../../../../shared/coda/openapi-docs-domain.derived.json',
  import.meta.url,
)

function operationOf(method: string, path: string): string {
  return codaOperationOf(baseUrl, method, new URL(`${baseUrl}${path}`))
}

/** Every operation that the API description knows, with its path as a template. */
function describedOperations(): [method: string, template: string][] {
  const { paths } = JSON.parse(readFileSync(description, 'utf8')) as {
    paths: Record<string, Record<string, unknown>>
  }
  return Object.entries(paths).flatMap(([template, methods]) =>
    Object.keys(methods)
      .filter((method) => /^(get|put|post|patch|delete)$/.test(method))
      .map((method): [string, string] => [method.toUpperCase(), template]),
  )
}

describe('codaOperationOf()', () => {
  it.skipIf(!existsSync(description))('names every operation of the API description', () => {
    const described = describedOperations()
    expect(described.length).toBeGreaterThan(30)
    for (const [method, template] of described) {
      const name = `${method} ${template.replace(/\{[^}]+\}/g, '*')}`
      expect(operationOf(method, template.replace(/\{[^}]+\}/g, 'canary'))).toBe(name)
    }
  })

  it('does not take a name that somebody gave for one of the API', () => {
    expect(operationOf('GET', '/docs/docs/tables/rows/rows/columns')).toBe(
      'GET /docs/*/tables/*/rows/*',
    )
    expect(operationOf('GET', '/docs/a%2Fb/pages/content')).toBe('GET /docs/*/pages/*')
  })

  it.each([
    ['GET', '/canary'],
    ['GET', '/docs/a/canary'],
    ['GET', '/whoami/canary'],
    ['GET', '/constructor'],
    ['CANARY', '/whoami'],
  ])('has one name for %s %s and everything else', (method, path) => {
    expect(operationOf(method, path)).toBe('other')
  })

  it('knows nothing of other hosts and paths', () => {
    expect(codaOperationOf(baseUrl, 'GET', new URL('https://files.example.com/export/1'))).toBe(
      'other',
    )
  })
})
