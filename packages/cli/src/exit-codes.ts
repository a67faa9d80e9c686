/** How the process ends. */
export const EXIT_CODES = {
  ok: 0,
  refused: 1,
  usage: 2,
  configuration: 3,
  unavailable: 4,
  integrity: 5,
  unexpected: 70,
  interrupted: 130,
} as const

/** Name of an exit code. */
export type ExitReason = keyof typeof EXIT_CODES

/** Exit code of the process. */
export type ExitCode = (typeof EXIT_CODES)[ExitReason]

/** What each exit code tells a script, in the help and in `docs/reference/cli.md`. */
export const EXIT_CODE_MEANINGS: Readonly<Record<ExitReason, string>> = {
  ok: 'Done. For comparisons: nothing differs.',
  refused:
    'Refused, absent, lost to another writer, or something differs. Nothing half-done is left.',
  usage: 'The command line is wrong, or a confirmation was not possible.',
  configuration:
    'A variable or a file is missing, malformed or cannot be used. All such variables are listed.',
  unavailable: 'A store or an upstream API did not answer. Try again later.',
  integrity: 'A stored record is damaged or was moved. It was left as it is.',
  unexpected: 'A fault of this program.',
  interrupted: 'Interrupted by SIGINT or SIGTERM. Run the command again to go on.',
}
