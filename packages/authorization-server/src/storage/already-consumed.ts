/** A code or token that can be used once was used before, or is gone. */
export class AlreadyConsumedError extends Error {
  constructor(model: string) {
    super(`the ${model} was used before`)
    this.name = 'AlreadyConsumedError'
  }
}
