const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
const INVISIBLE_ALL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu
const MAX_SUBJECT_LENGTH = 255
const MAX_NAME_CODE_POINTS = 120
const MAX_PICTURE_LENGTH = 2048

/**
 * Tells whether an upstream's name of an account can be a key: 1 to 255 characters (OpenID Connect
 * Core section 2), none of them invisible and no blank at either end.
 */
export function isSubject(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length >= 1 &&
    value.length <= MAX_SUBJECT_LENGTH &&
    value === value.trim() &&
    !INVISIBLE.test(value)
  )
}

/** A display name that cannot reorder or break the page it is shown on, 120 code points at most. */
export function readName(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const points = [...value.slice(0, 4 * MAX_NAME_CODE_POINTS).replace(INVISIBLE_ALL, ' ')]
  const text = points.slice(0, MAX_NAME_CODE_POINTS).join('').trim()
  return text === '' ? undefined : text
}

/** An https URL of a picture, without user name and password. */
export function readPicture(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_PICTURE_LENGTH) return undefined
  if (!URL.canParse(value)) return undefined
  const url = new URL(value)
  return url.protocol === 'https:' && url.username === '' && url.password === ''
    ? url.href
    : undefined
}
