import type { Choice } from './choices.js'

/** The one file that puts the parts of a server together differs by what there is to put together. */
function shapeOf({ wayIn, store }: Choice): string {
  const isEmbedded = wayIn === 'embedded'
  if (store === 'none') return isEmbedded ? 'embedded' : 'plain'
  if (store === 'postgres') return isEmbedded ? 'embedded-postgres' : 'postgres'
  return isEmbedded ? 'embedded-store' : 'store'
}

/** Folders of the template that make up a server, in the order in which their parts are appended. */
export function layersOf(choice: Choice): readonly string[] {
  const { wayIn, store } = choice
  const needsDatabase = wayIn === 'embedded' || store === 'postgres'
  return [
    'base',
    `ways-in/${wayIn}`,
    ...(needsDatabase ? ['database'] : []),
    ...(store === 'none' ? [] : ['credential']),
    `stores/${store}`,
    `servers/${shapeOf(choice)}`,
  ]
}
