import * as z from 'zod'

/** What an operator reads about a variable. The README table and `.env.example` are held to it. */
export interface VariableDocumentation {
  readonly format: string
  /** When it has to be set, or what it does. */
  readonly purpose: string
  /** Default as it would be written; empty when there is none. */
  readonly default: string
  /** Whether `NAME_FILE` may name a file that holds the value. */
  readonly file: boolean
}

const documentation = z.registry<VariableDocumentation>()

function variable<Schema extends z.ZodType>(
  schema: Schema,
  documented: { format: string; purpose: string; default?: string; file?: boolean },
): Schema {
  documentation.add(schema, { default: '', file: false, ...documented })
  return schema
}

/** A variable that may be left out. */
export function optional<Value>(
  schema: z.ZodType<Value, string>,
  documented: { format: string; purpose: string; file?: boolean },
): z.ZodOptional<z.ZodType<Value, string>> {
  return variable(schema.optional(), documented)
}

/** A variable with a default, which is written as an operator would. */
export function withDefault<Value>(
  schema: z.ZodType<Value, string>,
  fallback: string,
  documented: { format: string; purpose: string; file?: boolean },
): z.ZodType<Value, string | undefined> {
  return variable(
    z
      .string()
      .optional()
      .transform((value) => value ?? fallback)
      .pipe(schema),
    { ...documented, default: fallback },
  )
}

/** Documentation of a variable, by its schema. */
export function documentationOfSchema(schema: z.ZodType): VariableDocumentation | undefined {
  return documentation.get(schema)
}
