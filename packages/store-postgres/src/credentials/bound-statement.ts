import type { SqlValue, Statement } from '../database/database.js'

/** A statement whose parameters are given by name. */
export interface BoundStatement<Name extends string> {
  readonly statement: Statement
  values(parameters: Readonly<Record<Name, SqlValue>>): SqlValue[]
}

/**
 * Turns `{name}` placeholders into `$1` …, each name one parameter however often it occurs, so that a
 * statement made of parts needs no counting. `{schema}` stays for the database.
 */
export function bindStatement<Name extends string>(
  name: string,
  text: string,
): BoundStatement<Name> {
  const names: Name[] = []
  const numbered = text.replace(/\{(\w+)\}/g, (placeholder, each: string) => {
    if (each === 'schema') return placeholder
    // The caller's type argument lists the placeholders of its own text.
    const known = names.indexOf(each as Name)
    return `$${known === -1 ? names.push(each as Name) : known + 1}`
  })
  const statement = Object.freeze({ name, text: numbered })
  return {
    statement,
    values: (parameters) => names.map((each) => parameters[each]),
  }
}
