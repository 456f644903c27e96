/** Who is signed in here, asked over HTTP. */
import type { KnownAdmin } from './local-db.ts'

export type SessionState =
  | { readonly is: 'unknown' }
  /** `confirmed` false: the server could not be asked, this is who was here last. */
  | { readonly is: 'signed-in'; readonly admin: KnownAdmin; readonly confirmed: boolean }
  | { readonly is: 'signed-out' }
