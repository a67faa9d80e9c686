/** What the program is asked to do. */
export type Command =
  /** Serve many clients by HTTP. */
  | { readonly kind: 'serve' }
  /** Serve the program that started this one, over standard input and output. */
  | { readonly kind: 'stdio' }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'refused'; readonly message: string }

/** What `--help` prints. */
export const usage = `Usage: coda-mcp [--stdio | --help | --version]

Without options: serves MCP by HTTP on HOST and PORT. Everything is configured by environment
variables; without any, it works on sample docs and on this machine only.

  --stdio    serve one local client over standard input and output, with the Coda token in
             CODA_API_TOKEN or in the file that CODA_API_TOKEN_FILE names; logs go to standard error
  --help     print this text
  --version  print the version
`

const commands: Readonly<Record<string, Command>> = {
  '--stdio': { kind: 'stdio' },
  '--help': { kind: 'help' },
  '-h': { kind: 'help' },
  '--version': { kind: 'version' },
  '-v': { kind: 'version' },
}

function refuse(problem: string): Command {
  return { kind: 'refused', message: `coda-mcp: ${problem}\n\n${usage}` }
}

/** Reads the arguments after the name of the program. Anything it does not know is refused. */
export function parseCommandLine(argv: readonly string[]): Command {
  const [first, second] = argv
  if (first === undefined) return { kind: 'serve' }
  const command = Object.hasOwn(commands, first) ? commands[first] : undefined
  if (command === undefined) {
    // Shown as data: it may hold anything, a token that was put in the wrong place among others.
    const name = /^--?[a-z-]{1,30}/.exec(first)?.[0]
    const what = name === undefined ? 'takes no such argument' : `does not know the option ${name}`
    return refuse(`${what}; it is configured by environment variables`)
  }
  return second === undefined ? command : refuse('takes one option at a time')
}
