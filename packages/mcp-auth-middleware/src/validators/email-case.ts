/**
 * Brings the ASCII letters of an address into lower case and leaves every other character alone: the
 * Kelvin sign (U+212A) would become a plain `k`, and so the address of somebody else.
 */
export function lowerCaseEmail(email: string): string {
  return email.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}
