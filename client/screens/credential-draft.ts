/** What was filled into the form of a connector. Secrets in it live as long as the form and are sent nowhere but to the server. */
export type CredentialDraft =
  /** `because`: what is missing or wrong, for the button. */
  | { readonly is: 'incomplete'; readonly because: string }
  | { readonly is: 'credential'; readonly credential: { readonly [name: string]: unknown } }
  /** An organisation is bound at Google first. */
  | { readonly is: 'signup'; readonly serviceAccountKey: string; readonly adminEmail: string }
