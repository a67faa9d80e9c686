import type { RegistrationRefusal } from './client-policy.js'

/** Client metadata was refused. Caught where it is parsed; never leaves this folder. */
export class MetadataRefusal extends Error {
  readonly error: RegistrationRefusal['error']

  /** @param description - names the member and the rule, never the value. */
  constructor(error: RegistrationRefusal['error'], description: string) {
    super(description)
    this.name = 'MetadataRefusal'
    this.error = error
  }
}
