/** A desk that a SCIM client sits at, with a key for the directory. */
import type { Role } from '../../../shared/admin.ts'
import { openDesk, openSchool, type Answer } from '../routes/desk.ts'

export const core = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
export const coreGroup = 'urn:ietf:params:scim:schemas:core:2.0:Group'
export const patchOp = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
export const listResponse = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
export const errorMessage = 'urn:ietf:params:scim:api:messages:2.0:Error'

export interface ScimAsk {
  readonly body?: unknown
  readonly raw?: string
  readonly as?: string | null
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}

const withScim = async <D extends Awaited<ReturnType<typeof openDesk>>>(desk: D) => {
  const key = await desk.keyFor('directory')
  const scim = async (method: string, path: string, { body, raw, as = key, type, headers = {} }: ScimAsk = {}): Promise<Answer> => {
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const response = await desk.composed.web.request(`/scim/v2${path}`, {
      method,
      headers: {
        ...(as === null ? {} : { authorization: `Bearer ${as}` }),
        ...(sent === undefined ? {} : { 'content-type': type ?? 'application/scim+json' }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      get body() {
        return JSON.parse(text)
      },
    }
  }
  const make = async (path: '/Users' | '/Groups', body: object): Promise<string> => {
    const answer = await scim('POST', path, { body: { schemas: [path === '/Users' ? core : coreGroup], ...body } })
    if (answer.status !== 201) throw new Error(answer.text)
    return String(answer.body.id)
  }
  return {
    ...desk,
    key,
    scim,
    makeUser: (userName: string, more: object = {}) => make('/Users', { userName, ...more }),
    makeGroup: (displayName: string, members: readonly string[] = []) =>
      make('/Groups', { displayName, members: members.map((value) => ({ value })) }),
    find: (path: string, filter: string) => scim('GET', `${path}?filter=${encodeURIComponent(filter)}`),
    patch: (path: string, ...Operations: readonly object[]) => scim('PATCH', path, { body: { schemas: [patchOp], Operations } }),
    membersOf: async (id: string): Promise<readonly string[]> =>
      (await scim('GET', `/Groups/${id}`)).body.members.map(({ value }: { readonly value: string }) => value).sort(),
    keyOf: (role: Role) => desk.keyFor(role),
  }
}

export const openScimDesk = async (options: Parameters<typeof openDesk>[0] = {}) => withScim(await openDesk(options))
export const openScimSchool = async () => withScim(await openSchool())
