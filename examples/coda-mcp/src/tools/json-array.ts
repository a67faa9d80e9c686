import * as z from 'zod'

/**
 * An array, which may also come as its JSON text: earlier Coda MCP servers took texts here, and models
 * write one now and then. Only the array is part of the published schema.
 */
export function arrayOrJson<Item extends z.ZodType>(
  array: z.ZodArray<Item>,
): z.ZodPreprocess<z.ZodArray<Item>> {
  return z.preprocess((value) => {
    if (typeof value !== 'string') return value
    try {
      return JSON.parse(value)
    } catch {
      // The array schema refuses the text and says what it wants instead.
      return value
    }
  }, array)
}
