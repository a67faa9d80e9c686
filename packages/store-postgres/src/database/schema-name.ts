/** What a schema may be called. */
export const SCHEMA_RULE =
  'must be 1 to 63 letters, digits or "_", not start with a digit or with "pg_"'

/** Tells whether a schema name is one that {@link SCHEMA_RULE} allows. */
export function isSchemaName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name) && !/^pg_/i.test(name)
}

/** Replaces `{schema}` in SQL by the quoted name, which holds no character that could end the quotes. */
export function withSchema(text: string, schema: string): string {
  return text.replaceAll('{schema}', `"${schema}"`)
}
