/** A value or a listed failure. Failures nobody can answer are thrown instead and fly to the top. */
export type Result<T, E> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E }

export const ok = <T>(value: T): Result<T, never> => ({ ok: true, value })
export const err = <E>(error: E): Result<never, E> => ({ ok: false, error })

/** Closes a switch over a union: a new member that is not handled stops the build here. */
export const exhaustive = (value: never): never => {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`)
}
