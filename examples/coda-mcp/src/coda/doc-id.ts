import { CodaInputError } from './errors.js'

const explanation =
  'docId must be a doc id such as "AbCDeFGH12" or the address of a doc such as "https://coda.io/d/Title_dAbCDeFGH12". Use coda_list_documents to find it.'

function docIdOfAddress(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined
  const segments = new URL(address).pathname.split('/')
  const marker = segments.findIndex((segment) => segment === 'd' || segment === 'docs')
  const next = marker === -1 ? undefined : segments[marker + 1]
  if (next === undefined) return undefined
  if (segments[marker] === 'docs') return next
  // Ids have ten characters and may themselves contain "_d"; older examples are shorter.
  return /_d([\w-]{10})$/.exec(next)?.[1] ?? /_d((?:(?!_d)[\w-])+)$/.exec(next)?.[1]
}

/**
 * Takes the id of a doc, or the address of the doc or of one of its pages, and returns the id.
 *
 * @throws {@link CodaInputError} when there is no doc id in it.
 */
export function parseDocId(value: string): string {
  const text = value.trim()
  const id = text.includes('/') ? docIdOfAddress(text) : text
  if (id === undefined || !/^[\w-]{1,64}$/.test(id)) throw new CodaInputError(explanation)
  return id
}
