import { createHash } from 'node:crypto'
import type { SqlValue, Statement } from './database.js'
import type { PgQueryConfig } from './pg-pool.js'
import { resultTypes } from './result-types.js'
import { withSchema } from './schema-name.js'

/** A statement as it is sent. */
export interface StatementForm {
  /** Name to prepare it under; absent where statements are not prepared. */
  readonly name: string | undefined
  readonly text: string
  readonly types: PgQueryConfig['types']
  /** Whether running it twice reads twice and changes nothing. */
  readonly isSelect: boolean
}

/** Makes one query of a form. */
export function queryOf(
  form: Pick<StatementForm, 'name' | 'text' | 'types'>,
  values: readonly SqlValue[] | undefined,
): PgQueryConfig {
  // Inherited, since the driver copies every member that the query has itself, by its descriptor.
  const query = Object.create(form) as PgQueryConfig
  query.values = values
  return query
}

/**
 * Makes the forms of statements for one schema. The name holds a digest of the text, so that two
 * schemas, or two releases of this package, never clash on a connection that they share.
 */
export function createStatementForms(
  schema: string,
  prepared: boolean,
): (statement: Statement) => StatementForm {
  const forms = new WeakMap<Statement, StatementForm>()
  return (statement) => {
    const known = forms.get(statement)
    if (known !== undefined) return known
    const text = withSchema(statement.text, schema)
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 12)
    const form: StatementForm = {
      name: prepared ? `${statement.name}_${digest}` : undefined,
      text,
      types: resultTypes,
      isSelect: /^\s*SELECT\b/i.test(text) && !/\bFOR\s+(?:UPDATE|SHARE)\b/i.test(text),
    }
    forms.set(statement, form)
    return form
  }
}
