/** What a request was refused for, in the words of RFC 7644, section 3.12. */
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

export const scimBase = '/scim/v2'
export const scimContentType = 'application/scim+json'
export const errorSchema = 'urn:ietf:params:scim:api:messages:2.0:Error'

export type ScimType = 'invalidFilter' | 'uniqueness' | 'mutability' | 'invalidSyntax' | 'invalidPath' | 'noTarget' | 'invalidValue'

export interface ScimRefusal {
  readonly status: ContentfulStatusCode
  readonly scimType?: ScimType
  readonly detail: string
}

export const refusal = (scimType: ScimType, detail: string): ScimRefusal => ({
  status: scimType === 'uniqueness' ? 409 : 400,
  scimType,
  detail,
})

export const isScimPath = (path: string): boolean => path === '/scim' || path.startsWith('/scim/')

export const answerRefusal = (
  c: Context,
  { status, scimType, detail }: ScimRefusal,
  headers: Readonly<Record<string, string>> = {},
): Response =>
  c.body(
    JSON.stringify({ schemas: [errorSchema], status: String(status), ...(scimType === undefined ? {} : { scimType }), detail }),
    status,
    { ...headers, 'Content-Type': scimContentType },
  )
