const BODY = '{"error":"invalid_token"}'
const HEADERS = {
  'www-authenticate': 'Bearer error="invalid_token"',
  'content-type': 'application/json',
  'content-length': BODY.length,
}

/**
 * The smallest middleware around a verifier, for libraries that bring none: takes the token off the
 * header, waits for the verifier where it is asynchronous, and answers 401 when it throws.
 */
export function bearer(verify) {
  const refuse = (response) => {
    response.writeHead(401, HEADERS)
    response.end(BODY)
  }
  return (request, response, next) => {
    const header = request.headers.authorization
    if (header === undefined || !header.startsWith('Bearer ')) {
      refuse(response)
      return
    }
    try {
      const claims = verify(header.slice(7))
      if (!(claims instanceof Promise)) {
        request.auth = claims
        next()
        return
      }
      claims.then(
        (verified) => {
          request.auth = verified
          next()
        },
        () => refuse(response),
      )
    } catch {
      refuse(response)
    }
  }
}
