/** A new build is offered, never forced. */
export type UpdateState = { readonly is: 'none' } | { readonly is: 'ready' } | { readonly is: 'failed'; readonly text: string }
