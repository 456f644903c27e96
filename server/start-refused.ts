/** The server can not start as things are. The message is for the operator: what was found, what to do; never a secret. */
export class StartRefused extends Error {
  override readonly name = 'StartRefused'
}
