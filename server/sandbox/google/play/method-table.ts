/**
 * The methods of the Google Play EMM API, and the forms of what they take and give. Written by hand from
 * docs/stores/managed-google-play.md, which also tells how it was compared with Google's description of the API.
 */
import { methodsOf, type MethodTable } from '../methods.ts'
import type { Forms } from '../shapes.ts'

const e = 'enterprises/{enterpriseId}'
const user = `${e}/users/{userId}`
const device = `${user}/devices/{deviceId}`
const product = `${e}/products/{productId}`
const page = `${e}/storeLayout/pages/{pageId}`
const ofDevice = `${device}/managedConfigurationsForDevice`
const ofUser = `${user}/managedConfigurationsForUser`

/** Turned off for everybody on 30 September 2025. */
export const retiredMethods: ReadonlySet<string> = new Set([
  'grouplicenses.list',
  'grouplicenses.get',
  'grouplicenseusers.list',
  'entitlements.list',
  'entitlements.get',
  'entitlements.update',
  'entitlements.delete',
  'products.list',
  'products.approve',
  'products.unapprove',
  'products.generateApprovalUrl',
  'users.getAvailableProductSet',
  'users.setAvailableProductSet',
])

/** What only the vendor's account may ask. Everything else is the enterprise's own account's. */
export const vendorMethods: ReadonlySet<string> = new Set([
  'enterprises.generateSignupUrl',
  'enterprises.completeSignup',
  'enterprises.enroll',
  'enterprises.list',
  'enterprises.getServiceAccount',
  'enterprises.setAccount',
  'enterprises.unenroll',
])

const methods = methodsOf(`
  devices.forceReportUpload POST ${device}/forceReportUpload
  devices.get GET ${device} <Device
  devices.getState GET ${device}/state <DeviceState
  devices.list GET ${user}/devices <DevicesListResponse
  devices.setState PUT ${device}/state >DeviceState <DeviceState
  devices.update PUT ${device} ?updateMask=s >Device <Device
  enrollmentTokens.create POST ${e}/enrollmentTokens >EnrollmentToken <EnrollmentToken
  enterprises.acknowledgeNotificationSet POST enterprises/acknowledgeNotificationSet ?notificationSetId=s
  enterprises.completeSignup POST enterprises/completeSignup ?completionToken=s ?enterpriseToken=s <Enterprise
  enterprises.createWebToken POST ${e}/createWebToken >AdministratorWebTokenSpec <AdministratorWebToken
  enterprises.enroll POST enterprises/enroll ?token=s! >Enterprise <Enterprise
  enterprises.generateEnterpriseUpgradeUrl POST ${e}/generateEnterpriseUpgradeUrl ?adminEmail=s ?allowedDomains=[]s <GenerateEnterpriseUpgradeUrlResponse
  enterprises.generateSignupUrl POST enterprises/signupUrl ?callbackUrl=s ?adminEmail=s ?allowedDomains=[]s <SignupInfo
  enterprises.get GET ${e} <Enterprise
  enterprises.getServiceAccount GET ${e}/serviceAccount ?keyType=googleCredentials|pkcs12 <ServiceAccount
  enterprises.getStoreLayout GET ${e}/storeLayout <StoreLayout
  enterprises.list GET enterprises ?domain=s! <EnterprisesListResponse
  enterprises.pullNotificationSet POST enterprises/pullNotificationSet ?requestMode=waitForNotifications|returnImmediately <NotificationSet
  enterprises.sendTestPushNotification POST ${e}/sendTestPushNotification <EnterprisesSendTestPushNotificationResponse
  enterprises.setAccount PUT ${e}/account >EnterpriseAccount <EnterpriseAccount
  enterprises.setStoreLayout PUT ${e}/storeLayout >StoreLayout <StoreLayout
  enterprises.unenroll POST ${e}/unenroll
  entitlements.delete DELETE ${user}/entitlements/{entitlementId}
  entitlements.get GET ${user}/entitlements/{entitlementId} <Entitlement
  entitlements.list GET ${user}/entitlements <EntitlementsListResponse
  entitlements.update PUT ${user}/entitlements/{entitlementId} ?install=b >Entitlement <Entitlement
  grouplicenses.get GET ${e}/groupLicenses/{groupLicenseId} <GroupLicense
  grouplicenses.list GET ${e}/groupLicenses <GroupLicensesListResponse
  grouplicenseusers.list GET ${e}/groupLicenses/{groupLicenseId}/users <GroupLicenseUsersListResponse
  installs.delete DELETE ${device}/installs/{installId}
  installs.get GET ${device}/installs/{installId} <Install
  installs.list GET ${device}/installs <InstallsListResponse
  installs.update PUT ${device}/installs/{installId} >Install <Install
  managedconfigurationsfordevice.delete DELETE ${ofDevice}/{managedConfigurationForDeviceId}
  managedconfigurationsfordevice.get GET ${ofDevice}/{managedConfigurationForDeviceId} <ManagedConfiguration
  managedconfigurationsfordevice.list GET ${ofDevice} <ManagedConfigurationsForDeviceListResponse
  managedconfigurationsfordevice.update PUT ${ofDevice}/{managedConfigurationForDeviceId} >ManagedConfiguration <ManagedConfiguration
  managedconfigurationsforuser.delete DELETE ${ofUser}/{managedConfigurationForUserId}
  managedconfigurationsforuser.get GET ${ofUser}/{managedConfigurationForUserId} <ManagedConfiguration
  managedconfigurationsforuser.list GET ${ofUser} <ManagedConfigurationsForUserListResponse
  managedconfigurationsforuser.update PUT ${ofUser}/{managedConfigurationForUserId} >ManagedConfiguration <ManagedConfiguration
  managedconfigurationssettings.list GET ${product}/managedConfigurationsSettings <ManagedConfigurationsSettingsListResponse
  permissions.get GET permissions/{permissionId} ?language=s <Permission
  products.approve POST ${product}/approve >ProductsApproveRequest
  products.generateApprovalUrl POST ${product}/generateApprovalUrl ?languageCode=s <ProductsGenerateApprovalUrlResponse
  products.get GET ${product} ?language=s <Product
  products.getAppRestrictionsSchema GET ${product}/appRestrictionsSchema ?language=s <AppRestrictionsSchema
  products.getPermissions GET ${product}/permissions <ProductPermissions
  products.list GET ${e}/products ?approved=b ?language=s ?maxResults=i ?query=s ?token=s <ProductsListResponse
  products.unapprove POST ${product}/unapprove
  serviceaccountkeys.delete DELETE ${e}/serviceAccountKeys/{keyId}
  serviceaccountkeys.insert POST ${e}/serviceAccountKeys >ServiceAccountKey <ServiceAccountKey
  serviceaccountkeys.list GET ${e}/serviceAccountKeys <ServiceAccountKeysListResponse
  storelayoutclusters.delete DELETE ${page}/clusters/{clusterId}
  storelayoutclusters.get GET ${page}/clusters/{clusterId} <StoreCluster
  storelayoutclusters.insert POST ${page}/clusters >StoreCluster <StoreCluster
  storelayoutclusters.list GET ${page}/clusters <StoreLayoutClustersListResponse
  storelayoutclusters.update PUT ${page}/clusters/{clusterId} >StoreCluster <StoreCluster
  storelayoutpages.delete DELETE ${page}
  storelayoutpages.get GET ${page} <StorePage
  storelayoutpages.insert POST ${e}/storeLayout/pages >StorePage <StorePage
  storelayoutpages.list GET ${e}/storeLayout/pages <StoreLayoutPagesListResponse
  storelayoutpages.update PUT ${page} >StorePage <StorePage
  users.delete DELETE ${user}
  users.generateAuthenticationToken POST ${user}/authenticationToken <AuthenticationToken
  users.get GET ${user} <User
  users.getAvailableProductSet GET ${user}/availableProductSet <ProductSet
  users.insert POST ${e}/users >User <User
  users.list GET ${e}/users ?email=s! <UsersListResponse
  users.revokeDeviceAccess DELETE ${user}/deviceAccess
  users.setAvailableProductSet PUT ${user}/availableProductSet >ProductSet <ProductSet
  users.update PUT ${user} >User <User
  webapps.delete DELETE ${e}/webApps/{webAppId}
  webapps.get GET ${e}/webApps/{webAppId} <WebApp
  webapps.insert POST ${e}/webApps >WebApp <WebApp
  webapps.list GET ${e}/webApps <WebAppsListResponse
  webapps.update PUT ${e}/webApps/{webAppId} >WebApp <WebApp
`)

const enabled = { enabled: 'b' } as const
const restrictionKinds = 'bool|string|integer|choice|multiselect|hidden|bundle|bundleArray'
const tracks = 'appTrackUnspecified|production|beta|alpha'

const forms: Forms = {
  Administrator: { email: 's' },
  AdministratorWebToken: { token: 's' },
  AdministratorWebTokenSpec: {
    managedConfigurations: '@WebTokenPage',
    parent: 's',
    permission: '[]unknown|approveApps|manageMcm',
    playSearch: '@WebTokenSearch',
    privateApps: '@WebTokenPage',
    storeBuilder: '@WebTokenPage',
    webApps: '@WebTokenPage',
    zeroTouch: '@WebTokenPage',
  },
  WebTokenPage: enabled,
  WebTokenSearch: { ...enabled, approveApps: 'b' },
  AppRestrictionsSchema: { kind: 's', restrictions: '[]@Restriction' },
  Restriction: {
    defaultValue: '@RestrictionValue',
    description: 's',
    entry: '[]s',
    entryValue: '[]s',
    key: 's',
    nestedRestriction: '[]@Restriction',
    restrictionType: restrictionKinds,
    title: 's',
  },
  RestrictionValue: { type: restrictionKinds, valueBool: 'b', valueInteger: 'i', valueMultiselect: '[]s', valueString: 's' },
  ProductEvent: { productId: 's' },
  AppState: { keyedAppState: '[]@KeyedAppState', packageName: 's' },
  KeyedAppState: { data: 's', key: 's', message: 's', severity: 'severityUnknown|severityInfo|severityError', stateTimestampMillis: 'l' },
  AppVersion: { isProduction: 'b', targetSdkVersion: 'i', track: tracks, trackId: '[]s', versionCode: 'i', versionString: 's' },
  ApprovalUrlInfo: { approvalUrl: 's' },
  AuthenticationToken: { token: 's' },
  AutoInstallConstraint: {
    chargingStateConstraint: 'chargingStateConstraintUnspecified|chargingNotRequired|chargingRequired',
    deviceIdleStateConstraint: 'deviceIdleStateConstraintUnspecified|deviceIdleNotRequired|deviceIdleRequired',
    networkTypeConstraint: 'networkTypeConstraintUnspecified|anyNetwork|unmeteredNetwork',
  },
  AutoInstallPolicy: {
    autoInstallConstraint: '[]@AutoInstallConstraint',
    autoInstallMode: 'autoInstallModeUnspecified|doNotAutoInstall|autoInstallOnce|forceAutoInstall',
    autoInstallPriority: 'i',
    minimumVersionCode: 'i',
  },
  ConfigurationVariables: { mcmId: 's', variableSet: '[]@VariableSet' },
  VariableSet: { placeholder: 's', userValue: 's' },
  Device: {
    androidId: 's',
    device: 's',
    latestBuildFingerprint: 's',
    maker: 's',
    managementType: 'managedDevice|managedProfile|containerApp|unmanagedProfile',
    model: 's',
    policy: '@Policy',
    product: 's',
    report: '@DeviceReport',
    retailBrand: 's',
    sdkVersion: 'i',
  },
  DeviceReport: { appState: '[]@AppState', lastUpdatedTimestampMillis: 'l' },
  DeviceReportUpdateEvent: { deviceId: 's', report: '@DeviceReport', userId: 's' },
  DeviceState: { accountState: 'enabled|disabled' },
  DevicesListResponse: { device: '[]@Device' },
  EnrollmentToken: {
    duration: 's',
    enrollmentTokenType: 'enrollmentTokenTypeUnspecified|userDevice|userlessDevice',
    googleAuthenticationOptions: '@EnrollmentTokenAuthentication',
    token: 's',
  },
  EnrollmentTokenAuthentication: {
    authenticationRequirement: 'authenticationRequirementUnspecified|optional|required',
    requiredAccountEmail: 's',
  },
  Enterprise: {
    administrator: '[]@Administrator',
    enterpriseType: 'enterpriseTypeUnspecified|managedGoogleDomain|managedGooglePlayAccountsEnterprise',
    googleAuthenticationSettings: '@GoogleAuthenticationSettings',
    id: 's',
    managedGoogleDomainType: 'managedGoogleDomainTypeUnspecified|typeTeam|typeDomain',
    name: 's',
    primaryDomain: 's',
  },
  EnterpriseAccount: { accountEmail: 's' },
  EnterpriseAuthenticationAppLinkConfig: { uri: 's' },
  EnterprisesListResponse: { enterprise: '[]@Enterprise' },
  EnterprisesSendTestPushNotificationResponse: { messageId: 's', topicName: 's' },
  EnterpriseUpgradeEvent: { upgradeState: 'upgradeStateUnspecified|upgradeStateSucceeded' },
  Entitlement: { productId: 's', reason: 'free|groupLicense|userPurchase' },
  EntitlementsListResponse: { entitlement: '[]@Entitlement' },
  GenerateEnterpriseUpgradeUrlResponse: { url: 's' },
  GoogleAuthenticationSettings: {
    dedicatedDevicesAllowed: 'dedicatedDevicesAllowedUnspecified|disallowed|allowed',
    googleAuthenticationRequired: 'googleAuthenticationRequiredUnspecified|notRequired|required',
  },
  GroupLicense: {
    acquisitionKind: 'free|bulkPurchase',
    approval: 'approved|unapproved',
    numProvisioned: 'i',
    numPurchased: 'i',
    permissions: 'currentApproved|needsReapproval|allCurrentAndFutureApproved',
    productId: 's',
  },
  GroupLicenseUsersListResponse: { user: '[]@User' },
  GroupLicensesListResponse: { groupLicense: '[]@GroupLicense' },
  Install: { installState: 'installed|installPending', productId: 's', versionCode: 'i' },
  InstallFailureEvent: { deviceId: 's', failureDetails: 's', failureReason: 'unknown|timeout', productId: 's', userId: 's' },
  InstallsListResponse: { install: '[]@Install' },
  LocalizedText: { locale: 's', text: 's' },
  MaintenanceWindow: { durationMs: 'l', startTimeAfterMidnightMs: 'l' },
  ManagedConfiguration: {
    configurationVariables: '@ConfigurationVariables',
    kind: 's',
    managedProperty: '[]@ManagedProperty',
    productId: 's',
  },
  ManagedConfigurationsForDeviceListResponse: { managedConfigurationForDevice: '[]@ManagedConfiguration' },
  ManagedConfigurationsForUserListResponse: { managedConfigurationForUser: '[]@ManagedConfiguration' },
  ManagedConfigurationsSettings: { lastUpdatedTimestampMillis: 'l', mcmId: 's', name: 's' },
  ManagedConfigurationsSettingsListResponse: { managedConfigurationsSettings: '[]@ManagedConfigurationsSettings' },
  ManagedProperty: {
    key: 's',
    valueBool: 'b',
    valueBundle: '@ManagedPropertyBundle',
    valueBundleArray: '[]@ManagedPropertyBundle',
    valueInteger: 'i',
    valueString: 's',
    valueStringArray: '[]s',
  },
  ManagedPropertyBundle: { managedProperty: '[]@ManagedProperty' },
  NewDeviceEvent: { deviceId: 's', dpcPackageName: 's', managementType: 'managedDevice|managedProfile', userId: 's' },
  NewPermissionsEvent: { approvedPermissions: '[]s', productId: 's', requestedPermissions: '[]s' },
  Notification: {
    appRestrictionsSchemaChangeEvent: '@ProductEvent',
    appUpdateEvent: '@ProductEvent',
    deviceReportUpdateEvent: '@DeviceReportUpdateEvent',
    enterpriseId: 's',
    enterpriseUpgradeEvent: '@EnterpriseUpgradeEvent',
    installFailureEvent: '@InstallFailureEvent',
    newDeviceEvent: '@NewDeviceEvent',
    newPermissionsEvent: '@NewPermissionsEvent',
    notificationType:
      'unknown|testNotification|productApproval|installFailure|appUpdate|newPermissions|appRestricionsSchemaChange|productAvailabilityChange|newDevice|deviceReportUpdate|enterpriseUpgrade',
    productApprovalEvent: '@ProductApprovalEvent',
    productAvailabilityChangeEvent: '@ProductAvailabilityChangeEvent',
    timestampMillis: 'l',
  },
  NotificationSet: { notification: '[]@Notification', notificationSetId: 's' },
  PageInfo: { resultPerPage: 'i', startIndex: 'i', totalResults: 'i' },
  Permission: { description: 's', name: 's', permissionId: 's' },
  Policy: {
    autoUpdatePolicy: 'autoUpdatePolicyUnspecified|choiceToTheUser|never|wifiOnly|always',
    deviceReportPolicy: 'deviceReportPolicyUnspecified|deviceReportDisabled|deviceReportEnabled',
    maintenanceWindow: '@MaintenanceWindow',
    productAvailabilityPolicy: 'productAvailabilityPolicyUnspecified|whitelist|all',
    productPolicy: '[]@ProductPolicy',
  },
  Product: {
    appRestrictionsSchema: '@AppRestrictionsSchema',
    appTracks: '[]@TrackInfo',
    appVersion: '[]@AppVersion',
    authorName: 's',
    availableCountries: '[]s',
    availableTracks: `[]${tracks}`,
    category: 's',
    contentRating: 'ratingUnknown|all|preTeen|teen|mature',
    description: 's',
    detailsUrl: 's',
    distributionChannel: 'publicGoogleHosted|privateGoogleHosted|privateSelfHosted',
    features: '[]featureUnknown|vpnApp',
    fullDescription: 's',
    iconUrl: 's',
    lastUpdatedTimestampMillis: 'l',
    minAndroidSdkVersion: 'i',
    permissions: '[]@ProductPermission',
    productId: 's',
    productPricing: 'unknown|free|freeWithInAppPurchase|paid',
    recentChanges: 's',
    requiresContainerApp: 'b',
    screenshotUrls: '[]s',
    signingCertificate: '@ProductSigningCertificate',
    smallIconUrl: 's',
    title: 's',
    workDetailsUrl: 's',
  },
  ProductApprovalEvent: { approved: 'unknown|approved|unapproved', productId: 's' },
  ProductAvailabilityChangeEvent: { availabilityStatus: 'unknown|available|removed|unpublished', productId: 's' },
  ProductPermission: { permissionId: 's', state: 'required|accepted' },
  ProductPermissions: { permission: '[]@ProductPermission', productId: 's' },
  ProductPolicy: {
    autoInstallPolicy: '@AutoInstallPolicy',
    autoUpdateMode: 'autoUpdateModeUnspecified|autoUpdateDefault|autoUpdatePostponed|autoUpdateHighPriority',
    enterpriseAuthenticationAppLinkConfigs: '[]@EnterpriseAuthenticationAppLinkConfig',
    managedConfiguration: '@ManagedConfiguration',
    productId: 's',
    trackIds: '[]s',
    tracks: `[]${tracks}`,
  },
  ProductSet: {
    productId: '[]s',
    productSetBehavior: 'unknown|whitelist|includeAll|allApproved',
    productVisibility: '[]@ProductVisibility',
  },
  ProductSigningCertificate: { certificateHashSha1: 's', certificateHashSha256: 's' },
  ProductVisibility: { productId: 's', trackIds: '[]s', tracks: `[]${tracks}` },
  ProductsApproveRequest: { approvalUrlInfo: '@ApprovalUrlInfo', approvedPermissions: 'currentPermissionsOnly|allPermissions' },
  ProductsGenerateApprovalUrlResponse: { url: 's' },
  ProductsListResponse: { pageInfo: '@PageInfo', product: '[]@Product', tokenPagination: '@TokenPagination' },
  ServiceAccount: { key: '@ServiceAccountKey', name: 's' },
  ServiceAccountKey: { data: 's', id: 's', publicData: 's', type: 'googleCredentials|pkcs12' },
  ServiceAccountKeysListResponse: { serviceAccountKey: '[]@ServiceAccountKey' },
  SignupInfo: { completionToken: 's', kind: 's', url: 's' },
  StoreCluster: { id: 's', name: '[]@LocalizedText', orderInPage: 's', productId: '[]s' },
  StoreLayout: { homepageId: 's', storeLayoutType: 'unknown|basic|custom' },
  StoreLayoutClustersListResponse: { cluster: '[]@StoreCluster' },
  StoreLayoutPagesListResponse: { page: '[]@StorePage' },
  StorePage: { id: 's', link: '[]s', name: '[]@LocalizedText' },
  TokenPagination: { nextPageToken: 's', previousPageToken: 's' },
  TrackInfo: { trackAlias: 's', trackId: 's' },
  User: {
    accountIdentifier: 's',
    accountType: 'deviceAccount|userAccount',
    displayName: 's',
    id: 's',
    managementType: 'googleManaged|emmManaged',
    primaryEmail: 's',
  },
  UsersListResponse: { user: '[]@User' },
  WebApp: {
    displayMode: 'displayModeUnspecified|minimalUi|standalone|fullScreen',
    icons: '[]@WebAppIcon',
    isPublished: 'b',
    startUrl: 's',
    title: 's',
    versionCode: 'l',
    webAppId: 's',
  },
  WebAppIcon: { imageData: 's' },
  WebAppsListResponse: { webApp: '[]@WebApp' },
}

export const playTable: MethodTable = { servicePath: 'androidenterprise/v1/', methods, forms }
