/** What is asked of Apple about people, and all that is taken back from somebody. Source: docs/stores/apple-apps-and-books.md, 2.7 and 2.8. */
import { err, ok, type Result } from '../../../shared/result.ts'
import type { PersonToRegister, WriteRequest } from '../store.ts'
import { targetsOf } from './holder.ts'
import type { Limits } from './service-config.ts'

export type PeopleRequest = Extract<WriteRequest, { readonly action: 'register-user' | 'update-user' | 'retire-user' | 'revoke' }>

export interface WriteCall {
  readonly path: string
  readonly body: Readonly<Record<string, unknown>>
}

/** Throws for a request that names nobody. */
export const peopleCall = (request: PeopleRequest, limits: Limits): Result<WriteCall, { readonly is: 'over-limit' }> => {
  switch (request.action) {
    case 'register-user':
      return usersCall('/users/create', distinctUsers(request.people.map(userOf)), limits)
    case 'update-user':
      return usersCall('/users/update', distinctUsers(request.people.map(userOf)), limits)
    case 'retire-user':
      return usersCall('/users/retire', distinctUsers(request.keys.map((key) => ({ clientUserId: key.trim() }))), limits)
    case 'revoke': {
      const { clientUserIds, serialNumbers } = targetsOf(request.holders)
      if (clientUserIds.length + serialNumbers.length === 0) throw new Error('apple: a revoke that names nobody')
      if (clientUserIds.length > limits.maxRevokeClientUserIds || serialNumbers.length > limits.maxRevokeSerialNumbers)
        return err({ is: 'over-limit' })
      return ok({
        path: '/assets/revoke',
        body: {
          ...(clientUserIds.length === 0 ? {} : { clientUserIds }),
          ...(serialNumbers.length === 0 ? {} : { serialNumbers }),
        },
      })
    }
  }
}

interface AppleUser {
  readonly clientUserId: string
  readonly email?: string
  readonly managedAppleId?: string
}

/** One address that is none would have Apple refuse the whole call (9717); without it the person can still be invited by the link. */
const mailForm = /^[^\s@]+@[^\s@]+\.[^\s@]+$/

const userOf = ({ key, email, managedAccount }: PersonToRegister): AppleUser => ({
  clientUserId: key.trim(),
  ...(mailForm.test(email.trim()) ? { email: email.trim() } : {}),
  ...(managedAccount.trim() === '' ? {} : { managedAppleId: managedAccount.trim() }),
})

/** Apple refuses a person who is named twice. */
const distinctUsers = (users: readonly AppleUser[]): readonly AppleUser[] => [
  ...new Map(users.filter(({ clientUserId }) => clientUserId !== '').map((user) => [user.clientUserId, user])).values(),
]

const usersCall = (path: string, users: readonly AppleUser[], { maxUsers }: Limits): ReturnType<typeof peopleCall> => {
  if (users.length === 0) throw new Error(`apple: ${path} that names nobody`)
  return users.length > maxUsers ? err({ is: 'over-limit' }) : ok({ path, body: { users } })
}
