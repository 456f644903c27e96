/**
 * Binding an organisation: its administrator agrees on a page of Google's, and comes back with a token that is good for once.
 * The vendor's account binds; Google then makes an account for this organisation alone, whose key is what the connector keeps.
 * Source: docs/stores/managed-google-play.md, "Binding".
 */
import * as v from 'valibot'
import { err, ok } from '../../../../shared/result.ts'
import { Secret } from '../../../secret.ts'
import { parseJson } from '../../http.ts'
import type { StoreBinding, StoreFailure } from '../../store.ts'
import { createGoogleClient, type GoogleFailure } from '../client.ts'
import { parseServiceAccountKey, type ServiceAccountKey } from '../service-account.ts'
import { createGoogleSignIn, playScope } from '../sign-in.ts'
import { failureOf } from './failures.ts'
import { parseEnterprise, parseNothing, parseServiceAccount, parseSignupInfo } from './wire.ts'

const base = 'androidenterprise/v1/enterprises'
const TOKEN = /^[\x21-\x7e]{1,2000}$/

const ticketForm = v.object({
  clientEmail: v.string(),
  keyId: v.nullable(v.string()),
  privateKey: v.string(),
  completionToken: v.string(),
})

const vendorsOnly: StoreFailure = {
  is: 'store-refused',
  code: 'not-a-vendor',
  text: 'Google lets this service account bind no organisations: only accounts that Google has validated for a management service may, and it takes no new ones for this API. Nothing was bound. With an enterprise that is bound already, connect by its id and the key of its own account.',
}

const failureOfBinding = (failure: GoogleFailure): StoreFailure =>
  failure.is === 'refused' && failure.status === 403 && failure.reason === 'forbidden' ? vendorsOnly : failureOf(failure)

export const createPlayBinding = (addresses: { readonly playUrl: string; readonly tokenUrl: string }): StoreBinding => {
  const clientFor = (deps: Parameters<StoreBinding['begin']>[0], key: ServiceAccountKey) =>
    createGoogleClient({
      ...deps,
      baseUrl: addresses.playUrl,
      setting: 'QM_GOOGLE_PLAY_URL',
      signIn: createGoogleSignIn({ ...deps, tokenUrl: addresses.tokenUrl, key, scope: playScope }),
    })

  return {
    begin: async (deps, input, { callbackUrl, adminEmail }) => {
      const key = parseServiceAccountKey(input)
      if (!key.ok) return key
      const info = await clientFor(deps, key.value).send(
        {
          method: 'POST',
          path: `${base}/signupUrl`,
          query: { callbackUrl, adminEmail: adminEmail ?? undefined },
          urgent: true,
          repeatable: true,
        },
        parseSignupInfo,
      )
      if (!info.ok) return err(failureOfBinding(info.error))
      const { url, completionToken } = info.value
      // A browser is sent there.
      if (!url.startsWith('https://') && !url.startsWith(`${addresses.playUrl}/`))
        return err({
          is: 'store-answer-unreadable',
          text: 'Google named an address for signing up that is none of its own. Check QM_GOOGLE_PLAY_URL. Nothing was bound.',
        })
      return ok({ url, ticket: Secret.of(JSON.stringify({ ...key.value, completionToken })) })
    },

    /** 1. The binding: once, never repeated. 2. The account of the organisation, with its key. 3. From now on that account acts. */
    complete: async (deps, ticket, answer) => {
      const opened = v.safeParse(ticketForm, parseJson(ticket.reveal()))
      if (!opened.success) throw new Error('google: a ticket that this server did not make')
      const { completionToken, ...key } = opened.output
      const enterpriseToken = answer.get('enterpriseToken') ?? ''
      if (!TOKEN.test(enterpriseToken))
        return err({
          is: 'store-refused',
          code: 'sign-up-not-finished',
          text: 'Google sent no token along: the page was left before its end. Nothing was bound. Begin again.',
        })
      const client = clientFor(deps, key)
      const bound = await client.send(
        { method: 'POST', path: `${base}/completeSignup`, query: { completionToken, enterpriseToken }, urgent: true },
        parseEnterprise,
      )
      if (!bound.ok) return err(bound.error.is === 'outcome-unknown' ? bound.error : failureOfBinding(bound.error))
      const own = `${base}/${encodeURIComponent(bound.value.id)}`
      // Asked twice it makes a second key and voids the first one: the last one that came is kept.
      const account = await client.send(
        { method: 'GET', path: `${own}/serviceAccount`, query: { keyType: 'googleCredentials' }, urgent: true },
        parseServiceAccount,
      )
      if (!account.ok) return err(halfBound(bound.value.id, account.error))
      const set = await client.send(
        { method: 'PUT', path: `${own}/account`, body: { accountEmail: account.value.name }, urgent: true },
        parseNothing,
      )
      if (!set.ok) return err(halfBound(bound.value.id, set.error))
      return ok({
        name: bound.value.name ?? bound.value.id,
        credential: Secret.of(JSON.stringify({ serviceAccountKey: account.value.key.data, enterpriseId: bound.value.id })),
      })
    },
  }
}

const halfBound = (enterpriseId: string, failure: GoogleFailure): StoreFailure => {
  const why = failureOf(failure)
  return {
    is: 'store-refused',
    code: 'bound-without-account',
    text: `The organisation is bound as ${enterpriseId}, but Google gave it no account of its own.${'text' in why ? ` ${why.text}` : ''} Unbind it in the Google Admin console or in managed Google Play, then begin again.`,
  }
}
