import * as z from 'zod'

/** Output of a change that Coda applies at once and answers with nothing. */
export const DoneOutput = z.object({ status: z.literal('completed') })

export const done: z.infer<typeof DoneOutput> = { status: 'completed' }
