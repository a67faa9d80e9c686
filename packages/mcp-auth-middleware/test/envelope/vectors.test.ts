import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  createEnvelopeCodec,
  formatEnvelope,
  localKeyProvider,
  parseEncryptionKeys,
  parseEnvelope,
} from '../../src/envelope.js'
import { type Construction, construct, type Recipe } from './construct.js'

const vectors = JSON.parse(
  readFileSync(new URL('vectors.json', import.meta.url), 'utf8'),
) as readonly { title: string; recipe: Recipe; construction: Construction }[]

const bytes = (hex: string) => Buffer.from(hex, 'hex')
const base64 = (hex: string) => bytes(hex).toString('base64')
const hexOf = (value: Uint8Array) => Buffer.from(value).toString('hex')

describe('test vectors', () => {
  it('has vectors', () => expect(vectors.length).toBe(5))

  it.each(vectors)('$title: are what the documented layout gives', ({ recipe, construction }) => {
    expect(construct(recipe)).toEqual(construction)
  })

  it.each(vectors)('$title: open', async ({ recipe, construction }) => {
    const codec = createEnvelopeCodec({
      keyProvider: localKeyProvider({ keys: base64(recipe.key) }),
    })
    const envelope = parseEnvelope(bytes(construction.envelope))
    expect(envelope.wrappedKey.keyId).toBe(construction.keyId)
    expect(hexOf(envelope.wrappedKey.bytes)).toBe(construction.wrappedKey)
    expect(hexOf(envelope.payload)).toBe(construction.payload)
    expect(hexOf(await codec.open(recipe.context, envelope))).toBe(recipe.plaintext)
    expect(hexOf(formatEnvelope(envelope))).toBe(construction.envelope)
  })

  it.each(vectors)('$title: have the key id of their key', ({ recipe, construction }) => {
    expect(parseEncryptionKeys(base64(recipe.key))[0]?.keyId).toBe(construction.keyId)
  })

  it('shows the first one in the reference', () => {
    const url = new URL('../../../../docs/reference/envelope.md', import.meta.url)
    const page = readFileSync(url, 'utf8').replaceAll(/\s/g, '')
    const { context, plaintext, ...recipe } = vectors[0]?.recipe ?? ({} as Recipe)
    const values = [...Object.values(recipe), ...Object.values(vectors[0]?.construction ?? {})]
    expect(values).toHaveLength(11)
    for (const value of values) expect(page).toContain(value)
    expect(page).toContain(bytes(plaintext).toString('utf8'))
    expect(page).toContain(context.at(-1))
  })
})
