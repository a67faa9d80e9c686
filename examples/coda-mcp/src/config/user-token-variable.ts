import type { VariableDocumentation } from './documented-variable.js'

interface NamedByCaller {
  /** As the documentation writes it. */
  readonly name: string
  readonly example: string
  readonly pattern: RegExp
  readonly documentation: VariableDocumentation
}

/** The Coda token of one caller in the env store, named by a digest of issuer and subject. */
export const userTokenVariable: NamedByCaller = {
  name: 'CODA_API_TOKEN__<16 hex digits>',
  example: 'CODA_API_TOKEN__0123456789ABCDEF',
  pattern: /^CODA_API_TOKEN__[0-9A-F]{16}(_FILE)?$/,
  documentation: {
    format: 'Coda API token',
    purpose:
      'With TOKEN_STORE=env and CODA_CREDENTIALS=user: the Coda token of one caller. A to F are capitals; the log names the variable of each caller who lacks one',
    default: '',
    file: true,
  },
}
