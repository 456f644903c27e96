/**
 * What can be told of a credential before it is sent: each way in which it is wrong has a name and says what to do. The
 * server checks all of it again. No text shows a part of a secret.
 */

export interface Wrong {
  readonly field: 'tenantId' | 'clientId' | 'clientSecret' | 'secretEndsOn' | 'serviceAccountKey' | 'enterpriseId'
  readonly reason: string
  readonly text: string
}

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const onOverview = 'It stands on the Overview page of the app registration, as 32 hexadecimal digits with hyphens.'
const copyValue =
  'Copy the Value of a client secret from Certificates & secrets. It is shown once, when the secret is made; if it is lost, make a new one.'

export interface MicrosoftGiven {
  readonly tenantId: string
  readonly clientId: string
  readonly clientSecret: string
  /** `YYYY-MM-DD`, or empty. */
  readonly secretEndsOn: string
}

/** Of fields that are filled; in their order. `today`: `YYYY-MM-DD`. */
export const wrongInMicrosoft = ({ tenantId, clientId, clientSecret, secretEndsOn }: MicrosoftGiven, today: string): readonly Wrong[] => {
  const found: Wrong[] = []
  if (tenantId !== '' && !GUID.test(tenantId))
    found.push({
      field: 'tenantId',
      reason: 'tenant-id',
      text: `This is no directory (tenant) ID. ${onOverview} A domain name such as contoso.com is none.`,
    })
  if (clientId !== '' && !GUID.test(clientId))
    found.push({ field: 'clientId', reason: 'client-id', text: `This is no application (client) ID. ${onOverview}` })
  else if (clientId !== '' && clientId.toLowerCase() === tenantId.toLowerCase())
    found.push({
      field: 'clientId',
      reason: 'client-id-is-tenant-id',
      text: 'This is the directory (tenant) ID once more. The application (client) ID is another one, on the same page.',
    })
  if (GUID.test(clientSecret))
    found.push({
      field: 'clientSecret',
      reason: 'client-secret-id',
      text: `This is the Secret ID, and not the secret itself. ${copyValue}`,
    })
  else if (clientSecret !== '' && !/^[\x21-\x7e]{8,256}$/.test(clientSecret))
    found.push({ field: 'clientSecret', reason: 'client-secret', text: `This is no client secret. ${copyValue}` })
  if (secretEndsOn !== '' && secretEndsOn < today)
    found.push({
      field: 'secretEndsOn',
      reason: 'secret-ends-on',
      text: 'This day has passed: a secret that has ended is refused. Make a new one.',
    })
  return found
}

export type KeyFileRead =
  { readonly is: 'key'; readonly account: string } | { readonly is: 'wrong'; readonly reason: string; readonly text: string }

const wrongKey = (reason: string, text: string): KeyFileRead => ({ is: 'wrong', reason, text })
const unchanged = 'Choose the JSON file that was downloaded when the key was made, unchanged.'

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Reflect.get(value, name) : undefined
const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes what it read.
    return undefined
  }
}

/** What a key file of a Google service account names. The private key in it is not looked into. */
export const readKeyFile = (text: string): KeyFileRead => {
  if (/^\s*-----BEGIN/.test(text))
    return wrongKey(
      'key-is-pem',
      `This is the private key alone. The whole JSON file is needed, since it names the account too. ${unchanged}`,
    )
  const file = parseJson(text.replace(/^\uFEFF/, ''))
  if (typeof file !== 'object' || file === null || Array.isArray(file))
    return wrongKey('key-not-json', `This is no key file: it is not JSON, or a part of it is missing. ${unchanged}`)
  if (field(file, 'type') === 'authorized_user' || 'installed' in file || 'web' in file)
    return wrongKey(
      'key-of-a-person',
      'This file is for signing in as a person (an OAuth client). A service account key is needed: make one under IAM and Admin, Service Accounts, Keys.',
    )
  if (field(file, 'type') !== 'service_account')
    return wrongKey('key-of-another-type', `This file is of another type than a service account key. ${unchanged}`)
  const account = field(file, 'client_email')
  if (typeof account !== 'string' || !account.includes('@'))
    return wrongKey('client-email', `The key file does not name its account (client_email). ${unchanged}`)
  const key = field(file, 'private_key')
  if (typeof key !== 'string' || !key.includes('PRIVATE KEY'))
    return wrongKey('private-key-missing', `The key file holds no private key. ${unchanged}`)
  return { is: 'key', account: account.trim() }
}

/** Undefined: it may be one. */
export const wrongEnterprise = (id: string): Wrong | undefined =>
  id === '' || /^(?:enterprises\/)?[A-Za-z0-9_-]{1,100}$/.test(id)
    ? undefined
    : {
        field: 'enterpriseId',
        reason: 'enterprise-id',
        text: 'This is no id of an enterprise: letters and digits, such as LC03k2p9q.',
      }

/** The field that a refusal of the server is about, by its reason. Undefined: the credential as a whole. */
export const fieldOfReason = (reason: unknown): Wrong['field'] | undefined => {
  if (typeof reason !== 'string') return undefined
  if (reason.startsWith('tenant-id')) return 'tenantId'
  if (reason.startsWith('client-id')) return 'clientId'
  if (reason.startsWith('client-secret')) return 'clientSecret'
  if (reason.startsWith('secret-ends')) return 'secretEndsOn'
  if (reason.startsWith('enterprise')) return 'enterpriseId'
  if (reason.startsWith('key-') || reason.startsWith('private-key') || reason === 'client-email') return 'serviceAccountKey'
  return undefined
}
