/** The people who sign in here, for owners to invite and to change. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { roles } from '../../shared/admin.ts'
import { exhaustive } from '../../shared/result.ts'
import { setUpUrl } from '../access.ts'
import { adminRoles, type Admin, type AdminRefused, type Admins } from '../admins.ts'
import { answerProblem, notFound, type Problem } from '../problem.ts'
import { answerList } from './answer-list.ts'
import { answer, problems } from './describe.ts'
import { body, email, line, query } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import { allow, api, byOf, type RouteModule } from './web.ts'

export const adminSchema = v.object({
  id: v.string(),
  email: v.string(),
  name: v.string(),
  role: v.picklist(roles),
  state: v.picklist(['active', 'invited', 'disabled']),
  createdAt: v.string(),
})
const invitedSchema = v.object({
  ...adminSchema.entries,
  setUpUrl: v.pipe(v.string(), v.description('Shown once; holds for seven days, for one use')),
})

const inviteBody = v.object({
  email,
  name: line(100),
  role: v.picklist(adminRoles, `must be one of ${adminRoles.join(', ')}`),
})
const changeBody = v.pipe(
  v.strictObject({ name: v.optional(line(100)), role: v.optional(v.picklist(adminRoles)), disabled: v.optional(v.boolean()) }),
  v.check((change) => Object.values(change).some((value) => value !== undefined), 'must change name, role or disabled'),
)

const problemOf = (refused: AdminRefused): Problem => {
  switch (refused.is) {
    case 'admin-unknown':
      return notFound('administrator')
    case 'email-taken':
      return {
        status: 409,
        code: refused.is,
        detail: 'Someone has this mail address already. Change their role instead of inviting them again.',
      }
    case 'last-owner':
      return { status: 409, code: refused.is, detail: 'This is the last owner who can sign in. Make someone else an owner first.' }
    case 'admin-disabled':
      return { status: 409, code: refused.is, detail: 'This account is disabled. Enable it first.' }
    default:
      return exhaustive(refused)
  }
}

const keys = {
  name: (admin: Admin) => admin.name.toLowerCase(),
  email: (admin: Admin) => admin.email,
  role: (admin: Admin) => adminRoles.indexOf(admin.role as (typeof adminRoles)[number]),
  createdAt: (admin: Admin) => admin.createdAt,
}

export const adminRoutes =
  (deps: { readonly admins: Admins; readonly publicUrl: string }): RouteModule =>
  (web) => {
    const { admins, publicUrl } = deps
    const tags = ['Administrators']

    web.get(
      `${api}/admins`,
      describeRoute({ tags, summary: 'Who can sign in', responses: { 200: answer('A page', pageSchema(adminSchema)), ...problems(400) } }),
      allow('manage-admins'),
      query(v.object(listQuery(['name', 'email', 'role', 'createdAt']))),
      async (c) => {
        const all = await admins.all()
        return answerList(c, {
          query: c.req.valid('query'),
          read: (wanted) => pageOf(all, wanted, keys, (admin) => admin.id),
          view: (items) => items,
          schema: adminSchema,
        })
      },
    )

    web.post(
      `${api}/admins`,
      describeRoute({ tags, summary: 'Invite someone', responses: { 201: answer('Invited', invitedSchema), ...problems(400, 409) } }),
      allow('manage-admins'),
      body(inviteBody),
      async (c) => {
        const invited = await admins.invite(byOf(c), c.req.valid('json'))
        if (!invited.ok) return answerProblem(c, problemOf(invited.error))
        return c.json({ ...invited.value.admin, setUpUrl: setUpUrl(publicUrl, invited.value.token) }, 201)
      },
    )

    web.post(
      `${api}/admins/:id/link`,
      describeRoute({
        tags,
        summary: 'A new one-time link, for someone invited or who lost their password; the one before ends',
        responses: { 201: answer('The link', invitedSchema), ...problems(404, 409) },
      }),
      allow('manage-admins'),
      async (c) => {
        const invited = await admins.linkFor(byOf(c), c.req.param('id'))
        if (!invited.ok) return answerProblem(c, problemOf(invited.error))
        return c.json({ ...invited.value.admin, setUpUrl: setUpUrl(publicUrl, invited.value.token) }, 201)
      },
    )

    web.patch(
      `${api}/admins/:id`,
      describeRoute({
        tags,
        summary: 'Change a name or role, disable or enable; who is disabled is signed out everywhere',
        responses: { 200: answer('Changed', adminSchema), ...problems(400, 404, 409) },
      }),
      allow('manage-admins'),
      body(changeBody),
      async (c) => {
        const changed = await admins.change(byOf(c), c.req.param('id'), c.req.valid('json'))
        return changed.ok ? c.json(changed.value) : answerProblem(c, problemOf(changed.error))
      },
    )
  }
