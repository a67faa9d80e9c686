const HERE = 'https://here.invalid'
const RUNS_IN_THE_PAGE = /^(?:javascript|data|vbscript|blob|file|about|view-source):/i

/**
 * Says whether a browser may be sent to this URL: a path on this server, or an absolute URL whose
 * scheme does not run or read anything here. Which clients may be sent where is not its question.
 */
export function isContinueUrl(url: string): boolean {
  if (url.startsWith('/')) {
    // Backslashes, tabs and line breaks can make a path the name of another host.
    return URL.canParse(url, HERE) && new URL(url, HERE).origin === HERE
  }
  return URL.canParse(url) && !RUNS_IN_THE_PAGE.test(new URL(url).href)
}

/**
 * Value of the `Refresh` header that sends the browser on at once. It takes the place of a redirect
 * after a form, whose targets Chromium checks against `form-action`.
 *
 * @throws TypeError when the URL is neither a path on this server nor absolute, or would run here.
 */
export function refreshHeader(url: string): string {
  if (!isContinueUrl(url)) throw new TypeError('a page cannot go on to such a URL')
  // Quotes, blanks and everything outside printable ASCII would end the URL, or the header.
  const encoded = url.replace(/[^\x21-\x7e]|['"\\<>`]/gu, percentEncode)
  return `0;url=${encoded}`
}

function percentEncode(character: string): string {
  const bytes = new TextEncoder().encode(character)
  return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(
    '',
  )
}
