import { AjvJsonSchemaValidator as ValidatorV2 } from '@modelcontextprotocol/client/validators/ajv'
import { AjvJsonSchemaValidator as ValidatorV1 } from '@modelcontextprotocol/sdk/validation/ajv'

/** What both SDK lines take as `jsonSchemaValidator`. */
interface Validators<Schema, Validate> {
  getValidator(schema: Schema): Validate
}

/**
 * Compiles the schema of a tool's output at the first answer of that tool, once for all clients of a file.
 * By itself every client compiles those of all tools as soon as it knows them, which takes it half a second;
 * that it can is seen over stdio, in `stdio.e2e.test.ts`.
 */
function whenCalled<Schema, Input, Result>(
  validators: Validators<Schema, (input: Input) => Result>,
): Validators<Schema, (input: Input) => Result> {
  const known = new Map<string, (input: Input) => Result>()
  return {
    getValidator: (schema) => (input) => {
      const text = JSON.stringify(schema)
      const validate = known.get(text) ?? validators.getValidator(schema)
      known.set(text, validate)
      return validate(input)
    },
  }
}

/** For `Client` of each SDK line. */
export const outputValidators = {
  v1: { jsonSchemaValidator: whenCalled(new ValidatorV1()) as ValidatorV1 },
  v2: { jsonSchemaValidator: whenCalled(new ValidatorV2()) as ValidatorV2 },
}
