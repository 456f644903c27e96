/**
 * Google's own client library (`googleapis`) against our sandbox: `npm run conformance`. Every method of the sandbox's table is
 * called through the library, over real HTTP, signed in with a key of the sandbox. Installs the library first where it is missing.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { randomBytes } from 'node:crypto'

if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `This runs on Node 24, and this is ${process.versions.node}. Start it with: npm run conformance (it brings Node 24).\n`,
  )
  process.exit(1)
}
const here = dirname(fileURLToPath(import.meta.url))
if (!existsSync(join(here, 'node_modules', 'googleapis'))) {
  const installed = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: here, stdio: 'inherit' })
  if (installed.status !== 0) process.exit(1)
}
const { google } = await import('googleapis')
const { startGoogle } = await import('../../server/sandbox/google/start.ts')
const { playTable } = await import('../../server/sandbox/google/play/method-table.ts')

const clock = {
  now: () => Date.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms)
    return () => clearTimeout(timer)
  },
}
const chance = { fraction: () => Math.random(), bytes: (count) => new Uint8Array(randomBytes(count)) }
const store = await startGoogle({
  clock,
  chance,
  port: 0,
  switches: { pageSize: 3, longPollMs: 500, webAppDelayMs: 0, installDelayMs: 0, removalDelayMs: 0 },
})
const { control } = store

/** The library always asks Google's own address for tokens: only its transport can be led elsewhere. */
const signedIn = (file) => {
  const auth = new google.auth.JWT({
    email: file.client_email,
    key: file.private_key,
    keyId: file.private_key_id,
    scopes: ['https://www.googleapis.com/auth/androidenterprise'],
  })
  auth.transporter.interceptors.request.add({
    resolved: async (config) => {
      if (String(config.url).startsWith('https://oauth2.googleapis.com/')) config.url = new URL(store.tokenUrl)
      return config
    },
  })
  return google.androidenterprise({ version: 'v1', auth, rootUrl: store.url })
}

let passed = 0
const failures = []
const called = new Set()
const check = async (name, act) => {
  try {
    const wrong = await act()
    if (wrong === undefined || wrong === true) passed += 1
    else failures.push(`${name}: ${JSON.stringify(wrong)}`)
  } catch (error) {
    failures.push(`${name}: ${error.code ?? ''} ${error.message}`)
  }
}
/** Calls a method by the id of our table. */
const call = async (client, id, params = {}, options = {}) => {
  const [resource, method] = id.split('.')
  called.add(id)
  return (await client[resource][method](params, options)).data
}
const status = async (act) => {
  try {
    await act()
    return 200
  } catch (error) {
    return error.status ?? error.code
  }
}

const vendor = signedIn(control.addVendor('vendor@quartermaster-emm.iam.gserviceaccount.com'))
const { enterpriseId, keyFile } = control.addEnterprise({ name: 'Eastmere Schools' })
const play = signedIn(keyFile)
const e = { enterpriseId }
const app = 'app:com.example.mathlab'
control.addLicense(enterpriseId, app, {
  purchased: 5,
  product: { permissions: [{ permissionId: 'android.permission.CAMERA', state: 'required' }], lastUpdatedTimestampMillis: '1760572800000' },
})
for (let n = 0; n < 7; n += 1) control.addLicense(enterpriseId, `app:com.example.n${n}`)

await check('an enterprise is read', async () => (await call(play, 'enterprises.get', e)).id === enterpriseId)
await check('licenses are listed and read', async () => {
  const { groupLicense } = await call(play, 'grouplicenses.list', e)
  const one = await call(play, 'grouplicenses.get', { ...e, groupLicenseId: app })
  return groupLicense.length === 8 && one.numPurchased === 5 && one.numProvisioned === 0
})
await check('products come in pages', async () => {
  const ids = []
  let pages = 0
  for (let token; pages === 0 || token; pages += 1) {
    const page = await call(play, 'products.list', { ...e, approved: true, token })
    ids.push(...page.product.map(({ productId }) => productId))
    token = page.tokenPagination?.nextPageToken
  }
  return ids.length === 8 && pages === 3
})
await check('a product with a colon in its id is read, with its permissions and its settings', async () => {
  const of = { ...e, productId: app }
  const product = await call(play, 'products.get', of)
  const permissions = await call(play, 'products.getPermissions', of)
  await call(play, 'products.getAppRestrictionsSchema', of)
  await call(play, 'managedconfigurationssettings.list', of)
  await call(play, 'permissions.get', { permissionId: 'android.permission.CAMERA' })
  return product.productId === app && typeof product.lastUpdatedTimestampMillis === 'string' && permissions.permission.length === 1
})
await check('an app is approved and unapproved', async () => {
  const of = { ...e, productId: 'app:com.example.n6' }
  const { url } = await call(play, 'products.generateApprovalUrl', of)
  await call(play, 'products.unapprove', of)
  const off = await call(play, 'grouplicenses.get', { ...e, groupLicenseId: 'app:com.example.n6' })
  await call(play, 'products.approve', {
    ...of,
    requestBody: { approvalUrlInfo: { approvalUrl: url }, approvedPermissions: 'currentPermissionsOnly' },
  })
  const on = await call(play, 'grouplicenses.get', { ...e, groupLicenseId: 'app:com.example.n6' })
  return off.approval === 'unapproved' && on.approval === 'approved'
})
let userId = ''
await check('the same identifier is the same person', async () => {
  const first = await call(play, 'users.insert', { ...e, requestBody: { accountIdentifier: 'staff-00042', accountType: 'userAccount' } })
  const again = await call(play, 'users.insert', {
    ...e,
    requestBody: { accountIdentifier: 'staff-00042', accountType: 'userAccount', displayName: 'Eastmere' },
  })
  userId = first.id
  const read = await call(play, 'users.get', { ...e, userId })
  const changed = await call(play, 'users.update', { ...e, userId, requestBody: { displayName: 'Eastmere Schools' } })
  return first.id === again.id && read.displayName === 'Eastmere' && changed.displayName === 'Eastmere Schools'
})
await check('a license is given once, however often it is asked for', async () => {
  const of = { ...e, userId, entitlementId: app }
  const given = await call(play, 'entitlements.update', { ...of, install: true, requestBody: { productId: app } })
  await call(play, 'entitlements.update', { ...of, requestBody: { productId: app } })
  const listed = await call(play, 'entitlements.list', { ...e, userId })
  const read = await call(play, 'entitlements.get', of)
  const holders = await call(play, 'grouplicenseusers.list', { ...e, groupLicenseId: app })
  const counted = await call(play, 'grouplicenses.get', { ...e, groupLicenseId: app })
  return (
    given.reason === 'groupLicense' &&
    listed.entitlement.length === 1 &&
    read.productId === app &&
    holders.user.length === 1 &&
    counted.numProvisioned === 1
  )
})
control.addDevice(enterpriseId, userId, '3f1c0a94be5d7720')
await check('devices, their policy and their apps', async () => {
  const of = { ...e, userId, deviceId: '3f1c0a94be5d7720' }
  const { device } = await call(play, 'devices.list', { ...e, userId })
  const policy = {
    productAvailabilityPolicy: 'whitelist',
    productPolicy: [{ productId: app, autoInstallPolicy: { autoInstallMode: 'forceAutoInstall' } }],
  }
  await call(play, 'devices.update', { ...of, updateMask: 'policy', requestBody: { policy } })
  const read = await call(play, 'devices.get', of)
  const state = await call(play, 'devices.getState', of)
  const refused = await status(() => call(play, 'devices.setState', { ...of, requestBody: { accountState: 'disabled' } }))
  await call(play, 'devices.forceReportUpload', of)
  const install = await call(play, 'installs.update', { ...of, installId: app, requestBody: { productId: app } })
  const installs = await call(play, 'installs.list', of)
  await call(play, 'installs.get', { ...of, installId: app })
  await call(play, 'installs.delete', { ...of, installId: app })
  return (
    device.length === 1 &&
    read.policy.productPolicy.length === 1 &&
    state.accountState === 'enabled' &&
    refused === 403 &&
    install.productId === app &&
    installs.install.length === 1
  )
})
await check('managed configurations of a device and of a user', async () => {
  const device = { ...e, userId, deviceId: '3f1c0a94be5d7720', managedConfigurationForDeviceId: app }
  const user = { ...e, userId, managedConfigurationForUserId: app }
  const requestBody = { productId: app, managedProperty: [{ key: 'serverUrl', valueString: 'https://x.example' }] }
  await call(play, 'managedconfigurationsfordevice.update', { ...device, requestBody })
  await call(play, 'managedconfigurationsforuser.update', { ...user, requestBody })
  const one = await call(play, 'managedconfigurationsfordevice.get', device)
  const other = await call(play, 'managedconfigurationsforuser.get', user)
  const { managedConfigurationForDevice } = await call(play, 'managedconfigurationsfordevice.list', {
    ...e,
    userId,
    deviceId: '3f1c0a94be5d7720',
  })
  const { managedConfigurationForUser } = await call(play, 'managedconfigurationsforuser.list', { ...e, userId })
  await call(play, 'managedconfigurationsfordevice.delete', device)
  await call(play, 'managedconfigurationsforuser.delete', user)
  return (
    one.managedProperty.length === 1 &&
    other.managedProperty.length === 1 &&
    managedConfigurationForDevice.length === 1 &&
    managedConfigurationForUser.length === 1
  )
})
await check('what a person may see in the store', async () => {
  await call(play, 'users.setAvailableProductSet', { ...e, userId, requestBody: { productSetBehavior: 'whitelist', productId: [app] } })
  return (await call(play, 'users.getAvailableProductSet', { ...e, userId })).productId.length === 1
})
await check('web apps', async () => {
  const requestBody = { title: 'Timetable', startUrl: 'https://tt.school.example', displayMode: 'standalone' }
  const { webAppId, versionCode } = await call(play, 'webapps.insert', { ...e, requestBody })
  const of = { ...e, webAppId }
  const changed = await call(play, 'webapps.update', { ...of, requestBody: { ...requestBody, title: 'Times' } })
  const { webApp } = await call(play, 'webapps.list', e)
  const read = await call(play, 'webapps.get', of)
  await call(play, 'webapps.delete', of)
  return versionCode === '1' && changed.versionCode === '2' && webApp.length === 1 && read.isPublished === true
})
await check('the layout of the store', async () => {
  const name = [{ locale: 'en', text: 'Maths' }]
  const page = await call(play, 'storelayoutpages.insert', { ...e, requestBody: { name } })
  const of = { ...e, pageId: page.id }
  await call(play, 'enterprises.setStoreLayout', { ...e, requestBody: { storeLayoutType: 'custom', homepageId: page.id } })
  const layout = await call(play, 'enterprises.getStoreLayout', e)
  await call(play, 'storelayoutpages.update', { ...of, requestBody: { name, link: [] } })
  await call(play, 'storelayoutpages.get', of)
  const { page: pages } = await call(play, 'storelayoutpages.list', e)
  const cluster = await call(play, 'storelayoutclusters.insert', { ...of, requestBody: { name, productId: [app], orderInPage: 'a1' } })
  const at = { ...of, clusterId: cluster.id }
  await call(play, 'storelayoutclusters.update', { ...at, requestBody: { name, productId: [app], orderInPage: 'a2' } })
  const read = await call(play, 'storelayoutclusters.get', at)
  const { cluster: clusters } = await call(play, 'storelayoutclusters.list', of)
  await call(play, 'storelayoutclusters.delete', at)
  await call(play, 'storelayoutpages.delete', of)
  return layout.homepageId === page.id && pages.length === 1 && read.orderInPage === 'a2' && clusters.length === 1
})
await check('notifications are pulled and acknowledged', async () => {
  await call(play, 'enterprises.sendTestPushNotification', e)
  const set = await call(play, 'enterprises.pullNotificationSet', { requestMode: 'returnImmediately' })
  await call(play, 'enterprises.acknowledgeNotificationSet', { notificationSetId: set.notificationSetId })
  const waited = await call(play, 'enterprises.pullNotificationSet', { requestMode: 'waitForNotifications' })
  return set.notification[0].notificationType === 'testNotification' && waited.notification === undefined
})
await check('tokens of the embedded pages and of enrolment', async () => {
  const web = await call(play, 'enterprises.createWebToken', {
    ...e,
    requestBody: { parent: 'https://licenses.school.example', playSearch: { enabled: true } },
  })
  const plain = await status(() =>
    call(play, 'enterprises.createWebToken', { ...e, requestBody: { parent: 'http://licenses.school.example' } }),
  )
  const enrol = await call(play, 'enrollmentTokens.create', { ...e, requestBody: { enrollmentTokenType: 'userDevice' } })
  const upgrade = await call(play, 'enterprises.generateEnterpriseUpgradeUrl', {
    ...e,
    adminEmail: 'it@school.example',
    allowedDomains: ['school.example', 'b.example'],
  })
  return web.token !== '' && plain === 400 && enrol.token !== '' && upgrade.url.startsWith('http')
})
await check('keys of the account', async () => {
  const made = await call(play, 'serviceaccountkeys.insert', { ...e, requestBody: { type: 'googleCredentials' } })
  const { serviceAccountKey } = await call(play, 'serviceaccountkeys.list', e)
  await call(play, 'serviceaccountkeys.delete', { ...e, keyId: made.id })
  return JSON.parse(made.data).type === 'service_account' && serviceAccountKey.length === 2
})
await check('an organisation is bound, gets its account, and is let go', async () => {
  const { url, completionToken } = await call(vendor, 'enterprises.generateSignupUrl', {
    callbackUrl: 'https://licenses.school.example/back?state=x%20y',
    allowedDomains: ['school.example'],
  })
  const back = new URL((await fetch(url, { redirect: 'manual' })).headers.get('location'))
  const params = { completionToken, enterpriseToken: back.searchParams.get('enterpriseToken') }
  const bound = await call(vendor, 'enterprises.completeSignup', params)
  const again = await status(() => call(vendor, 'enterprises.completeSignup', params))
  const account = await call(vendor, 'enterprises.getServiceAccount', { enterpriseId: bound.id, keyType: 'googleCredentials' })
  await call(vendor, 'enterprises.setAccount', { enterpriseId: bound.id, requestBody: { accountEmail: account.name } })
  const own = await call(signedIn(JSON.parse(account.key.data)), 'enterprises.get', { enterpriseId: bound.id })
  await call(vendor, 'enterprises.unenroll', { enterpriseId: bound.id })
  return back.searchParams.get('state') === 'x y' && again === 400 && own.id === bound.id
})
await check('a domain is enrolled, and its people are found by their address', async () => {
  const domain = control.addEnterprise({ name: 'Southmere', kind: 'managed-domain', primaryDomain: 'southmere.example' })
  control.addUser(domain.enterpriseId, { primaryEmail: 'ana@southmere.example' })
  const { enterprise } = await call(vendor, 'enterprises.list', { domain: 'southmere.example' })
  const enrolled = await call(vendor, 'enterprises.enroll', { token: 'T1', requestBody: { primaryDomain: 'southmere.example' } })
  const { user } = await call(signedIn(domain.keyFile), 'users.list', { enterpriseId: domain.enterpriseId, email: 'ana@southmere.example' })
  return enterprise.length === 1 && enrolled.id === domain.enterpriseId && user.length === 1
})
await check('what is taken back is gone, and with the person the rest', async () => {
  await call(play, 'entitlements.delete', { ...e, userId, entitlementId: app })
  await call(play, 'users.generateAuthenticationToken', { ...e, userId })
  await call(play, 'users.revokeDeviceAccess', { ...e, userId })
  await call(play, 'users.delete', { ...e, userId })
  return (await status(() => call(play, 'users.get', { ...e, userId }))) === 404
})
await check('a wrong key is refused in the words that the library knows', async () => {
  const other = control.addEnterprise({ name: 'Other' })
  control.revokeKeys(other.keyFile.client_email)
  try {
    await signedIn(other.keyFile).enterprises.get({ enterpriseId: other.enterpriseId })
    return 'not refused'
  } catch (error) {
    return /invalid_grant/.test(error.message) || error.message
  }
})
await check('the library repeats a GET that met 503, and so is it counted', async () => {
  control.clearRequests()
  control.faults.arm({ fault: { is: 'unavailable', when: 'before' }, method: 'grouplicenses.list', times: 2 })
  await call(play, 'grouplicenses.list', e)
  return control.requests().filter(({ method }) => method === 'grouplicenses.list').length === 3
})
for (const [licenseApi, code] of [
  ['retired-403', 403],
  ['retired-404', 404],
  ['retired-410', 410],
])
  await check(`license calls that are ${licenseApi}`, async () => {
    control.setSwitches({ licenseApi })
    const license = await status(() => call(play, 'grouplicenses.list', e, { retry: false }))
    const enterprise = await status(() => call(play, 'enterprises.get', e))
    control.setSwitches({ licenseApi: 'alive' })
    return license === code && enterprise === 200
  })

const missing = playTable.methods.map(({ id }) => id).filter((id) => !called.has(id))
await check('every method of the table was called', async () => (missing.length === 0 ? undefined : missing))
await store.close()
for (const failure of failures) process.stdout.write(`FAILED ${failure}\n`)
process.stdout.write(
  `googleapis called ${called.size} of ${playTable.methods.length} methods of the sandbox's table\n${passed} passed, ${failures.length} failed\n`,
)
process.exit(failures.length === 0 ? 0 : 1)
