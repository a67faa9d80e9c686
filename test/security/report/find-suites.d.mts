export const ROOT: string

/** Test files that record figures, with the ids that they record. */
export function findSuites(
  root?: string,
): readonly { readonly path: string; readonly ids: readonly string[] }[]
