/** Acts that need the server. Without a network they fail at once and queue nothing. */

/** `text` says what happened, what it means and what to do. */
export type ActFailed =
  | { readonly is: 'offline'; readonly text: string }
  | { readonly is: 'signed-out'; readonly text: string }
  /** A problem answer: `code` is the API's stable word. */
  | {
      readonly is: 'refused'
      readonly status: number
      readonly code: string
      readonly text: string
      readonly errors: readonly FieldError[]
      readonly data: { readonly [name: string]: unknown }
    }
  /** An answer that is not this server's: a captive portal, a proxy's page. */
  | { readonly is: 'unreadable'; readonly status: number; readonly text: string }

export interface FieldError {
  readonly field: string
  readonly text: string
}
