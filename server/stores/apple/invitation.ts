/** Where a person accepts an invitation. Apple sends no mail and gives a code; the address is built here. Source: docs/stores/apple-apps-and-books.md, 2.2 and 2.7. */

/** What Apple published; older answers name none. */
const publishedTemplate =
  'https://buy.itunes.apple.com/WebObjects/MZFinance.woa/wa/associateVPPUserWithITSAccount?inviteCode=%25inviteCode%25&mt=8'
/** Stands in the template just so. */
const placeholder = '%25inviteCode%25'

/**
 * The address for one code. Whoever opens it can join in the person's place, so it leads to Apple over https, or to the
 * very server that is asked for licenses, and nowhere else: undefined for a template that leads elsewhere or has no
 * place for the code.
 */
export const invitationAddress = (template: string | undefined, inviteCode: string, appsBooksUrl: string): string | undefined => {
  const form = template ?? publishedTemplate
  if (!form.includes(placeholder)) return undefined
  const filled = form.replaceAll(placeholder, encodeURIComponent(inviteCode))
  if (!URL.canParse(filled)) return undefined
  const address = new URL(filled)
  const isApples = address.protocol === 'https:' && address.port === '' && `.${address.hostname}`.endsWith('.apple.com')
  const isPlain = address.username === '' && address.password === ''
  return isPlain && (isApples || address.origin === new URL(appsBooksUrl).origin) ? address.href : undefined
}
