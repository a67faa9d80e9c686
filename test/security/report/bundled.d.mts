/** A foreign package of which parts are in the files of one of ours. */
export interface Bundled {
  readonly name: string
  readonly version: string
}

export function parseNotices(text: string): readonly Bundled[]
export function bundledInto(folder: string): readonly Bundled[]
