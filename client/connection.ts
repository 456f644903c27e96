/** The one connection of this browser to the server, and how it comes back. */
export type ConnectionStatus =
  | { readonly is: 'offline'; readonly since: number; readonly nextTryAt: number | null }
  | { readonly is: 'connecting' }
  /** `done` of `total` of the server's order. */
  | { readonly is: 'pulling'; readonly done: number; readonly total: number }
  | { readonly is: 'online' }
  /** The session has ended: everything stays here until someone signs in. */
  | { readonly is: 'signed-out' }
  | { readonly is: 'update-needed'; readonly which: 'this-page' | 'server'; readonly text: string }
