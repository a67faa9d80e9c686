import { readdirSync, readFileSync } from 'node:fs'

const template = new URL('../../templates/mcp-server/', import.meta.url)
const namesIn = (folder) => readdirSync(new URL(folder, template)).sort()

/** Every way in with every store, as the folders of the template have them. */
export const allChoices = namesIn('ways-in').flatMap((wayIn) =>
  namesIn('stores').map((store) => ({ wayIn, store })),
)

/** Each way in, each store, and each of the shapes that they make together. */
const covering = JSON.parse(readFileSync(new URL('covering.json', import.meta.url), 'utf8'))

/** The choices of this run. A way in or a store that none of them has is an error. */
export function choicesFor({ all }) {
  const choices = all ? allChoices : covering
  for (const member of ['wayIn', 'store']) {
    const missing = allChoices.filter(
      (each) => !choices.some((choice) => choice[member] === each[member]),
    )
    if (missing.length > 0) throw new Error(`no choice has ${missing[0][member]}`)
  }
  return choices
}
