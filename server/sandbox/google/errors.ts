/** Google's answers that are none of success. Source: docs/stores/managed-google-play.md, "Failures". */
export interface GoogleError {
  readonly status: number
  readonly reason: string
  readonly message: string
  readonly retryAfter?: string
}

const statusWords: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ALREADY_EXISTS',
  412: 'FAILED_PRECONDITION',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
}

/** `withErrors` false: as the Android Management API answers, without the list. */
export const errorAnswer = ({ status, reason, message, retryAfter }: GoogleError, withErrors = true): Response => {
  const word = statusWords[status]
  const error = {
    code: status,
    message,
    ...(withErrors ? { errors: [{ message, domain: 'global', reason }] } : {}),
    ...(word === undefined ? {} : { status: word }),
  }
  return Response.json({ error }, { status, headers: retryAfter === undefined ? {} : { 'Retry-After': retryAfter } })
}

export const refused = (status: number, reason: string, message: string): GoogleError => ({ status, reason, message })
export const isGoogleError = (value: unknown): value is GoogleError =>
  typeof value === 'object' && value !== null && 'status' in value && 'reason' in value && 'message' in value
/** Thrown by whoever plays a method; the door answers with it. */
export class Refused extends Error {
  readonly error: GoogleError
  constructor(status: number, reason: string, message: string) {
    super(message)
    this.error = { status, reason, message }
  }
}
export const notFound = (what: string): Refused => new Refused(404, 'notFound', `No ${what} was found for the given ID.`)
export const forbidden = (message: string): Refused => new Refused(403, 'forbidden', message)
export const invalid = (message: string): Refused => new Refused(400, 'invalid', message)
/** What Google's front answers to a path or a verb that no method has. */
export const noSuchPath = (path: string): Response =>
  new Response(
    `<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n<p>The requested URL <code>${path.replace(/[<>&"]/g, '')}</code> was not found on this server.</p>\n`,
    { status: 404, headers: { 'Content-Type': 'text/html; charset=UTF-8' } },
  )
