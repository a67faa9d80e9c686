/** The argument that names a client. */
export const CLIENT_ARGUMENT = { name: '<client-id>', description: 'id of the client' } as const

/** What is refused about a client, in the words of the command line. */
export const CLIENT_NAMES = { clientId: '<client-id>' } as const
