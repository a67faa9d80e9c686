/** One step of the schema. An applied migration never changes: a checksum over its statements is kept. */
export interface Migration {
  /** 1, 2, 3 … without gaps. */
  readonly version: number
  readonly name: string
  /** SQL without parameters, one statement per element, run in one transaction. `{schema}` stands for the quoted schema. */
  readonly statements: readonly string[]
}
