/** Where the people's own page is, and what a browser may do on it: less than in the console. */
export const selfServicePath = '/self-service'
/** The file that the build left. */
export const selfServiceFile = '/self-service.html'

/** The link's signed part stands behind the #, which no browser sends, so no log and no proxy sees it. */
export const selfServiceLink = (publicUrl: string, token: string): string => `${publicUrl}${selfServicePath}#${token}`

export const isSelfServicePath = (path: string): boolean => path === selfServicePath || path.startsWith(`${selfServicePath}/`)

export const selfServicePolicy = [
  `default-src 'none'`,
  `script-src 'self'`,
  `style-src 'self'`,
  `img-src 'self'`,
  `font-src 'self'`,
  `connect-src 'self'`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`,
  `require-trusted-types-for 'script'`,
  `trusted-types 'none'`,
].join('; ')
