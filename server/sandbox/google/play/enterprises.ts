/** Binding an enterprise, its account and keys, and the tokens of the embedded pages. */
import { hexOf, makeKey, type KeyFile, type ServiceAccount } from '../accounts.ts'
import { forbidden, invalid, notFound, Refused } from '../errors.ts'
import type { PlayContext, Plays } from './context.ts'
import { listAnswer, newEnterprise, type GoogleWorld, type Json, type PlayEnterprise } from './state.ts'

export const enterpriseAnswer = (enterprise: PlayEnterprise): Json => ({
  id: enterprise.id,
  name: enterprise.name,
  ...(enterprise.kind === 'play-accounts'
    ? {
        ...(enterprise.administrators.length === 0 ? {} : { administrator: enterprise.administrators.map((email) => ({ email })) }),
        enterpriseType: 'managedGooglePlayAccountsEnterprise',
      }
    : {
        ...(enterprise.primaryDomain === null ? {} : { primaryDomain: enterprise.primaryDomain }),
        enterpriseType: 'managedGoogleDomain',
        managedGoogleDomainType: 'typeDomain',
      }),
  googleAuthenticationSettings: { googleAuthenticationRequired: 'notRequired', dedicatedDevicesAllowed: 'allowed' },
})

const keyAnswer = (file: KeyFile, type: string): Json =>
  type === 'pkcs12'
    ? { id: file.private_key_id, type, data: Buffer.from(file.private_key).toString('base64') }
    : { id: file.private_key_id, type: 'googleCredentials', data: JSON.stringify(file) }

const addAccount = (world: GoogleWorld, email: string, isVendor: boolean): ServiceAccount => {
  const made: ServiceAccount = {
    email,
    project: email.split('@')[1]?.split('.')[0] ?? 'project',
    isVendor,
    disabled: false,
    scopes: null,
    keys: [],
  }
  world.accounts.accounts.set(email, made)
  return made
}

/** The account that is asked for a key. It works until setAccount has been called, and each call voids the key before it. */
const serviceAccountOf = ({ world, call, enterprise }: PlayContext): Json => {
  const owner = enterprise()
  if (owner.account !== null) throw forbidden('The account of the enterprise has been set. Use serviceAccountKeys.')
  owner.ownAccount ??= `esa-${owner.id.toLowerCase()}@esa-accounts.iam.gserviceaccount.com`
  const account = world.accounts.accounts.get(owner.ownAccount) ?? addAccount(world, owner.ownAccount, false)
  for (const key of account.keys) key.revoked = true
  return { name: account.email, key: keyAnswer(makeKey(world.chance, account), call.query['keyType'] ?? 'googleCredentials') }
}

const ownAccount = ({ world, enterprise }: PlayContext): ServiceAccount => {
  const { ownAccount: email, account } = enterprise()
  const found = email === null || email !== account ? undefined : world.accounts.accounts.get(email)
  if (found === undefined) throw forbidden('The keys of this service account are not managed through this API.')
  return found
}

export const enterprisePlays: Plays = {
  'enterprises.generateSignupUrl': ({ world, account, call, origin }) => {
    const { callbackUrl = '', adminEmail } = call.query
    if (!URL.canParse(callbackUrl)) throw invalid('callbackUrl is not an address.')
    const token = `SA${hexOf(world.chance, 12)}`
    const completionToken = `CT${hexOf(world.chance, 12)}`
    world.play.signups[token] = {
      completionToken,
      callbackUrl,
      vendor: account.email,
      adminEmail: adminEmail ?? null,
      enterpriseToken: null,
      organization: '',
      isUsed: false,
    }
    return { url: `${origin}/work/adminsignup?token=${token}`, completionToken }
  },
  'enterprises.completeSignup': ({ world, account, call }) => {
    const { completionToken = '', enterpriseToken = '' } = call.query
    const signup = Object.values(world.play.signups).find(
      (each) => each.enterpriseToken !== null && each.enterpriseToken === enterpriseToken,
    )
    if (signup === undefined || signup.vendor !== account.email || signup.completionToken !== completionToken)
      throw invalid('The enterprise token is not valid.')
    if (signup.isUsed) throw invalid('The enterprise token was used already.')
    signup.isUsed = true
    const enterprise: PlayEnterprise = {
      ...newEnterprise(world.chance, { name: signup.organization, kind: 'play-accounts' }),
      administrators: [signup.adminEmail ?? `it.admin@${signup.organization.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.example`],
    }
    world.play.enterprises[enterprise.id] = enterprise
    return enterpriseAnswer(enterprise)
  },
  'enterprises.enroll': ({ world, call }) => {
    const domain = call.body['primaryDomain']
    const found = Object.values(world.play.enterprises).find((each) => each.kind === 'managed-domain' && each.primaryDomain === domain)
    if (found === undefined) throw invalid('The enrollment token is not valid for this domain.')
    return enterpriseAnswer(found)
  },
  'enterprises.list': ({ world, call }) =>
    listAnswer(
      'enterprise',
      Object.values(world.play.enterprises)
        .filter(
          ({ kind, primaryDomain, status }) => kind === 'managed-domain' && status === 'bound' && primaryDomain === call.query['domain'],
        )
        .map(enterpriseAnswer),
    ),
  'enterprises.get': ({ enterprise }) => enterpriseAnswer(enterprise()),
  'enterprises.getServiceAccount': serviceAccountOf,
  'enterprises.setAccount': ({ world, call, enterprise }) => {
    const email = call.body['accountEmail']
    if (typeof email !== 'string' || !world.accounts.accounts.has(email)) throw invalid('There is no such service account.')
    enterprise().account = email
    return { accountEmail: email }
  },
  'enterprises.unenroll': ({ world, enterprise }) => {
    const owner = enterprise()
    owner.status = 'unenrolled'
    const account = owner.ownAccount === null ? undefined : world.accounts.accounts.get(owner.ownAccount)
    if (account !== undefined) account.disabled = true
    return undefined
  },
  'enterprises.generateEnterpriseUpgradeUrl': ({ enterprise, origin }) => {
    if (enterprise().kind !== 'play-accounts') throw invalid('The enterprise is a managed Google domain already.')
    return { url: `${origin}/work/upgrade?enterprise=${enterprise().id}` }
  },
  'enrollmentTokens.create': ({ world, call, enterprise }) => {
    enterprise()
    return { ...call.body, token: hexOf(world.chance, 10) }
  },
  'enterprises.createWebToken': ({ world, call, enterprise }) => {
    const parents = typeof call.body['parent'] === 'string' ? call.body['parent'].split(' ').filter((parent) => parent !== '') : []
    if (parents.length === 0 || parents.some((parent) => !parent.startsWith('https://'))) throw invalid('parent must be an https address.')
    const token = hexOf(world.chance, 20)
    world.play.webTokens[token] = { enterprise: enterprise().id, parent: parents.join(' '), used: false }
    return { token }
  },

  'serviceaccountkeys.insert': (context) => {
    const { type = 'googleCredentials' } = context.call.body
    return keyAnswer(makeKey(context.world.chance, ownAccount(context)), String(type))
  },
  'serviceaccountkeys.list': (context) =>
    listAnswer(
      'serviceAccountKey',
      ownAccount(context)
        .keys.filter(({ revoked }) => !revoked)
        .map(({ id }) => ({ id, type: 'googleCredentials' })),
    ),
  'serviceaccountkeys.delete': (context) => {
    const key = ownAccount(context).keys.find(({ id, revoked }) => id === context.call.path['keyId'] && !revoked)
    if (key === undefined) throw notFound('service account key')
    key.revoked = true
    return undefined
  },
}

/** A page in the administrator's browser: the organisation agrees, and is sent back with one parameter more. */
export const signUpPage = (world: GoogleWorld, token: string, organization: string): Response => {
  const signup = Object.hasOwn(world.play.signups, token) ? world.play.signups[token] : undefined
  if (signup === undefined) throw new Refused(404, 'notFound', 'This address is no longer valid.')
  signup.organization = organization
  signup.enterpriseToken ??= `ET${hexOf(world.chance, 12)}`
  // Google reads the address and writes it anew: parameters may change their order and their encoding.
  const back = new URL(signup.callbackUrl)
  back.searchParams.append('enterpriseToken', signup.enterpriseToken)
  back.searchParams.sort()
  return new Response(null, { status: 302, headers: { Location: back.href } })
}
