/** What was asked, without secrets, so that a test can count. */
export interface LoggedGoogleRequest {
  /** The method's id; null: no method has this path. */
  readonly method: string | null
  readonly verb: string
  readonly path: string
  readonly bodyBytes: number
}

export interface GoogleRequestLog {
  note(request: LoggedGoogleRequest): void
  all(): readonly LoggedGoogleRequest[]
  clear(): void
}

const mostKept = 20_000

export const createGoogleRequestLog = (): GoogleRequestLog => {
  let requests: LoggedGoogleRequest[] = []
  return {
    note: (request) => {
      // completionToken and enterpriseToken stand in a query.
      requests.push({ ...request, path: request.path.replace(/((?:completion|enterprise)?[tT]oken=)[^&]+/g, '$1…') })
      if (requests.length > mostKept) requests = requests.slice(-mostKept / 2)
    },
    all: () => requests,
    clear: () => {
      requests = []
    },
  }
}
