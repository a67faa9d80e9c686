/**
 * Creates the middleware of a candidate. Modules load on demand, so that a measured process holds one
 * candidate only.
 *
 * @param context - `{ fixturePath, jwksUri, now }`
 */
export async function createCandidate(name, context) {
  if (name === 'none') return (_request, _response, next) => next()
  const { create } = await import(`./${name}.mjs`)
  return create(context)
}
