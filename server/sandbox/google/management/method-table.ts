/**
 * The methods of the Android Management API that this Google plays, and the forms of what they take and give. Written by hand
 * from docs/stores/android-management.md, which also tells how it was compared with Google's description of the API. What a
 * table leaves out is refused.
 */
import { methodsOf, type MethodTable } from '../methods.ts'
import type { Forms } from '../shapes.ts'

const e = 'enterprises/{enterprise}'
const policy = `${e}/policies/{policy}`
const device = `${e}/devices/{device}`
const webApp = `${e}/webApps/{webApp}`
const paged = '?pageSize=i ?pageToken=s'

const methods = methodsOf(`
  enterprises.get GET ${e} <Enterprise
  enterprises.list GET enterprises ${paged} ?projectId=s ?view=ENTERPRISE_VIEW_UNSPECIFIED|BASIC <ListEnterprisesResponse
  enterprises.patch PATCH ${e} ?updateMask=s >Enterprise <Enterprise
  enterprises.applications.get GET ${e}/applications/{application} ?languageCode=s <Application
  enterprises.devices.get GET ${device} <Device
  enterprises.devices.list GET ${e}/devices ${paged} <ListDevicesResponse
  enterprises.devices.patch PATCH ${device} ?updateMask=s >Device <Device
  enterprises.policies.delete DELETE ${policy} <Empty
  enterprises.policies.get GET ${policy} <Policy
  enterprises.policies.list GET ${e}/policies ${paged} <ListPoliciesResponse
  enterprises.policies.modifyPolicyApplications POST ${policy}:modifyPolicyApplications >ModifyPolicyApplicationsRequest <ModifyPolicyApplicationsResponse
  enterprises.policies.patch PATCH ${policy} ?updateMask=s >Policy <Policy
  enterprises.policies.removePolicyApplications POST ${policy}:removePolicyApplications >RemovePolicyApplicationsRequest <RemovePolicyApplicationsResponse
  enterprises.webApps.create POST ${e}/webApps >WebApp <WebApp
  enterprises.webApps.delete DELETE ${webApp} <Empty
  enterprises.webApps.get GET ${webApp} <WebApp
  enterprises.webApps.list GET ${e}/webApps ${paged} <ListWebAppsResponse
  enterprises.webApps.patch PATCH ${webApp} ?updateMask=s >WebApp <WebApp
`)

const permissionPolicy = 'PERMISSION_POLICY_UNSPECIFIED|PROMPT|GRANT|DENY'
const deviceState =
  'DEVICE_STATE_UNSPECIFIED|ACTIVE|DISABLED|DELETED|PROVISIONING|LOST|PREPARING_FOR_MIGRATION|DEACTIVATED_BY_DEVICE_FINANCE'
const managedPropertyType = 'MANAGED_PROPERTY_TYPE_UNSPECIFIED|BOOL|STRING|INTEGER|CHOICE|MULTISELECT|HIDDEN|BUNDLE|BUNDLE_ARRAY'

const forms: Forms = {
  Empty: {},
  Enterprise: {
    appAutoApprovalEnabled: 'b',
    contactInfo: '{}d',
    enabledNotificationTypes: '[]NOTIFICATION_TYPE_UNSPECIFIED|ENROLLMENT|COMPLIANCE_REPORT|STATUS_REPORT|COMMAND|USAGE_LOGS',
    enterpriseDisplayName: 's',
    googleAuthenticationSettings: '{}s',
    logo: '{}s',
    name: 's',
    primaryColor: 'i',
    pubsubTopic: 's',
    signinDetails: '[]{}s',
    termsAndConditions: '[]{}d',
  },
  ListEnterprisesResponse: { enterprises: '[]@Enterprise', nextPageToken: 's' },
  Application: {
    appPricing: 'APP_PRICING_UNSPECIFIED|FREE|FREE_WITH_IN_APP_PURCHASE|PAID',
    appTracks: '[]@AppTrackInfo',
    appVersions: '[]@AppVersion',
    author: 's',
    availableCountries: '[]s',
    category: 's',
    contentRating: 'CONTENT_RATING_UNSPECIFIED|THREE_YEARS|SEVEN_YEARS|TWELVE_YEARS|SIXTEEN_YEARS|EIGHTEEN_YEARS',
    description: 's',
    distributionChannel: 'DISTRIBUTION_CHANNEL_UNSPECIFIED|PUBLIC_GOOGLE_HOSTED|PRIVATE_GOOGLE_HOSTED|PRIVATE_SELF_HOSTED',
    features: '[]APP_FEATURE_UNSPECIFIED|VPN_APP',
    fullDescription: 's',
    iconUrl: 's',
    managedProperties: '[]@ManagedProperty',
    minAndroidSdkVersion: 'i',
    name: 's',
    permissions: '[]@ApplicationPermission',
    playStoreUrl: 's',
    recentChanges: 's',
    screenshotUrls: '[]s',
    smallIconUrl: 's',
    title: 's',
    updateTime: 's',
  },
  AppTrackInfo: { trackAlias: 's', trackId: 's' },
  AppVersion: { production: 'b', trackIds: '[]s', versionCode: 'i', versionString: 's' },
  ApplicationPermission: { description: 's', name: 's', permissionId: 's' },
  ManagedProperty: {
    defaultValue: 'd',
    description: 's',
    entries: '[]@ManagedPropertyEntry',
    key: 's',
    nestedProperties: '[]@ManagedProperty',
    title: 's',
    type: managedPropertyType,
  },
  ManagedPropertyEntry: { name: 's', value: 's' },
  Device: {
    apiLevel: 'i',
    applicationReports: '[]@ApplicationReport',
    appliedPasswordPolicies: '[]{}d',
    appliedPolicyName: 's',
    appliedPolicyVersion: 'l',
    appliedState: deviceState,
    commonCriteriaModeInfo: '{}d',
    deviceSettings: '{}d',
    disabledReason: '@UserFacingMessage',
    displays: '[]{}d',
    dpcMigrationInfo: '{}d',
    enrollmentTime: 's',
    enrollmentTokenData: 's',
    enrollmentTokenName: 's',
    hardwareInfo: '@HardwareInfo',
    hardwareStatusSamples: '[]{}d',
    lastPolicyComplianceReportTime: 's',
    lastPolicySyncTime: 's',
    lastStatusReportTime: 's',
    managementMode: 'MANAGEMENT_MODE_UNSPECIFIED|DEVICE_OWNER|PROFILE_OWNER',
    memoryEvents: '[]{}d',
    memoryInfo: '{}d',
    name: 's',
    networkInfo: '{}d',
    nonComplianceDetails: '[]@NonComplianceDetail',
    ownership: 'OWNERSHIP_UNSPECIFIED|COMPANY_OWNED|PERSONALLY_OWNED',
    policyCompliant: 'b',
    policyName: 's',
    powerManagementEvents: '[]{}d',
    previousDeviceNames: '[]s',
    securityPosture: '{}d',
    softwareInfo: '{}d',
    state: deviceState,
    systemProperties: '{}s',
    user: '@User',
    userName: 's',
  },
  User: { accountIdentifier: 's' },
  UserFacingMessage: { defaultMessage: 's', localizedMessages: '{}s' },
  HardwareInfo: {
    batteryShutdownTemperatures: '[]d',
    batteryThrottlingTemperatures: '[]d',
    brand: 's',
    cpuShutdownTemperatures: '[]d',
    cpuThrottlingTemperatures: '[]d',
    deviceBasebandVersion: 's',
    enterpriseSpecificId: 's',
    gpuShutdownTemperatures: '[]d',
    gpuThrottlingTemperatures: '[]d',
    hardware: 's',
    manufacturer: 's',
    model: 's',
    serialNumber: 's',
    skinShutdownTemperatures: '[]d',
    skinThrottlingTemperatures: '[]d',
  },
  ApplicationReport: {
    applicationSource: 'APPLICATION_SOURCE_UNSPECIFIED|SYSTEM_APP_FACTORY_VERSION|SYSTEM_APP_UPDATED_VERSION|INSTALLED_FROM_PLAY_STORE',
    displayName: 's',
    events: '[]{}d',
    installerPackageName: 's',
    keyedAppStates: '[]{}d',
    packageName: 's',
    packageSha256Hash: 's',
    signingKeyCertFingerprints: '[]s',
    state: 'APPLICATION_STATE_UNSPECIFIED|REMOVED|INSTALLED',
    userFacingType: 'USER_FACING_TYPE_UNSPECIFIED|NOT_USER_FACING|USER_FACING',
    versionCode: 'i',
    versionName: 's',
  },
  NonComplianceDetail: {
    currentValue: 'd',
    fieldPath: 's',
    installationFailureReason:
      'INSTALLATION_FAILURE_REASON_UNSPECIFIED|INSTALLATION_FAILURE_REASON_UNKNOWN|IN_PROGRESS|NOT_FOUND|NOT_COMPATIBLE_WITH_DEVICE|NOT_APPROVED|PERMISSIONS_NOT_ACCEPTED|NOT_AVAILABLE_IN_COUNTRY|NO_LICENSES_REMAINING|NOT_ENROLLED|USER_INVALID|NETWORK_ERROR_UNRELIABLE_CONNECTION|INSUFFICIENT_STORAGE',
    nonComplianceReason:
      'NON_COMPLIANCE_REASON_UNSPECIFIED|API_LEVEL|MANAGEMENT_MODE|USER_ACTION|INVALID_VALUE|APP_NOT_INSTALLED|UNSUPPORTED|APP_INSTALLED|PENDING|APP_INCOMPATIBLE|APP_NOT_UPDATED|DEVICE_INCOMPATIBLE',
    packageName: 's',
    settingName: 's',
    specificNonComplianceContext: '{}d',
    specificNonComplianceReason: 's',
  },
  ListDevicesResponse: { devices: '[]@Device', nextPageToken: 's' },
  ApplicationPolicy: {
    accessibleTrackIds: '[]s',
    alwaysOnVpnLockdownExemption: 'ALWAYS_ON_VPN_LOCKDOWN_EXEMPTION_UNSPECIFIED|VPN_LOCKDOWN_ENFORCED|VPN_LOCKDOWN_EXEMPTION',
    autoUpdateMode: 'AUTO_UPDATE_MODE_UNSPECIFIED|AUTO_UPDATE_DEFAULT|AUTO_UPDATE_POSTPONED|AUTO_UPDATE_HIGH_PRIORITY',
    connectedWorkAndPersonalApp:
      'CONNECTED_WORK_AND_PERSONAL_APP_UNSPECIFIED|CONNECTED_WORK_AND_PERSONAL_APP_DISALLOWED|CONNECTED_WORK_AND_PERSONAL_APP_ALLOWED',
    credentialProviderPolicy: 'CREDENTIAL_PROVIDER_POLICY_UNSPECIFIED|CREDENTIAL_PROVIDER_ALLOWED',
    defaultPermissionPolicy: permissionPolicy,
    delegatedScopes:
      '[]DELEGATED_SCOPE_UNSPECIFIED|CERT_INSTALL|MANAGED_CONFIGURATIONS|BLOCK_UNINSTALL|PERMISSION_GRANT|PACKAGE_ACCESS|ENABLE_SYSTEM_APP|NETWORK_ACTIVITY_LOGS|SECURITY_LOGS|CERT_SELECTION',
    disabled: 'b',
    extensionConfig: '{}d',
    installConstraint: '[]{}s',
    installPriority: 'i',
    installType: 'INSTALL_TYPE_UNSPECIFIED|PREINSTALLED|FORCE_INSTALLED|BLOCKED|AVAILABLE|REQUIRED_FOR_SETUP|KIOSK',
    lockTaskAllowed: 'b',
    managedConfiguration: '{}d',
    managedConfigurationTemplate: '{}d',
    minimumVersionCode: 'i',
    packageName: 's',
    permissionGrants: '[]@PermissionGrant',
    userControlSettings: 'USER_CONTROL_SETTINGS_UNSPECIFIED|USER_CONTROL_ALLOWED|USER_CONTROL_DISALLOWED',
    workProfileWidgets: 'WORK_PROFILE_WIDGETS_UNSPECIFIED|WORK_PROFILE_WIDGETS_ALLOWED|WORK_PROFILE_WIDGETS_DISALLOWED',
  },
  PermissionGrant: { permission: 's', policy: permissionPolicy },
  ApplicationPolicyChange: { application: '@ApplicationPolicy', updateMask: 's' },
  ModifyPolicyApplicationsRequest: { changes: '[]@ApplicationPolicyChange' },
  ModifyPolicyApplicationsResponse: { policy: '@Policy' },
  RemovePolicyApplicationsRequest: { packageNames: '[]s' },
  RemovePolicyApplicationsResponse: { policy: '@Policy' },
  // What a policy orders beside apps is passed through: objects in it are taken as they are.
  Policy: {
    accountTypesWithManagementDisabled: '[]s',
    addUserDisabled: 'b',
    adjustVolumeDisabled: 'b',
    advancedSecurityOverrides: '{}d',
    alwaysOnVpnPackage: '{}d',
    androidDevicePolicyTracks: '[]APP_TRACK_UNSPECIFIED|PRODUCTION|BETA',
    appAutoUpdatePolicy: 'APP_AUTO_UPDATE_POLICY_UNSPECIFIED|CHOICE_TO_THE_USER|NEVER|WIFI_ONLY|ALWAYS',
    applications: '[]@ApplicationPolicy',
    autoDateAndTimeZone: 'AUTO_DATE_AND_TIME_ZONE_UNSPECIFIED|AUTO_DATE_AND_TIME_ZONE_USER_CHOICE|AUTO_DATE_AND_TIME_ZONE_ENFORCED',
    autoTimeRequired: 'b',
    blockApplicationsEnabled: 'b',
    bluetoothConfigDisabled: 'b',
    bluetoothContactSharingDisabled: 'b',
    bluetoothDisabled: 'b',
    cameraAccess: 'CAMERA_ACCESS_UNSPECIFIED|CAMERA_ACCESS_USER_CHOICE|CAMERA_ACCESS_DISABLED|CAMERA_ACCESS_ENFORCED',
    cameraDisabled: 'b',
    cellBroadcastsConfigDisabled: 'b',
    choosePrivateKeyRules: '[]{}d',
    complianceRules: '[]{}d',
    createWindowsDisabled: 'b',
    credentialProviderPolicyDefault:
      'CREDENTIAL_PROVIDER_POLICY_DEFAULT_UNSPECIFIED|CREDENTIAL_PROVIDER_DEFAULT_DISALLOWED|CREDENTIAL_PROVIDER_DEFAULT_DISALLOWED_EXCEPT_SYSTEM',
    credentialsConfigDisabled: 'b',
    crossProfilePolicies: '{}d',
    dataRoamingDisabled: 'b',
    debuggingFeaturesAllowed: 'b',
    defaultPermissionPolicy: permissionPolicy,
    deviceConnectivityManagement: '{}d',
    deviceOwnerLockScreenInfo: '@UserFacingMessage',
    deviceRadioState: '{}d',
    displaySettings: '{}d',
    encryptionPolicy: 'ENCRYPTION_POLICY_UNSPECIFIED|ENABLED_WITHOUT_PASSWORD|ENABLED_WITH_PASSWORD',
    ensureVerifyAppsEnabled: 'b',
    factoryResetDisabled: 'b',
    frpAdminEmails: '[]s',
    funDisabled: 'b',
    installAppsDisabled: 'b',
    installUnknownSourcesAllowed: 'b',
    keyguardDisabled: 'b',
    keyguardDisabledFeatures:
      '[]KEYGUARD_DISABLED_FEATURE_UNSPECIFIED|CAMERA|NOTIFICATIONS|UNREDACTED_NOTIFICATIONS|TRUST_AGENTS|DISABLE_FINGERPRINT|DISABLE_REMOTE_INPUT|FACE|IRIS|BIOMETRICS|SHORTCUTS|ALL_FEATURES',
    kioskCustomLauncherEnabled: 'b',
    kioskCustomization: '{}s',
    locationMode:
      'LOCATION_MODE_UNSPECIFIED|HIGH_ACCURACY|SENSORS_ONLY|BATTERY_SAVING|OFF|LOCATION_USER_CHOICE|LOCATION_ENFORCED|LOCATION_DISABLED',
    longSupportMessage: '@UserFacingMessage',
    maximumTimeToLock: 'l',
    microphoneAccess: 'MICROPHONE_ACCESS_UNSPECIFIED|MICROPHONE_ACCESS_USER_CHOICE|MICROPHONE_ACCESS_DISABLED|MICROPHONE_ACCESS_ENFORCED',
    minimumApiLevel: 'i',
    mobileNetworksConfigDisabled: 'b',
    modifyAccountsDisabled: 'b',
    mountPhysicalMediaDisabled: 'b',
    name: 's',
    networkEscapeHatchEnabled: 'b',
    networkResetDisabled: 'b',
    oncCertificateProviders: '[]{}d',
    openNetworkConfiguration: '{}d',
    outgoingBeamDisabled: 'b',
    outgoingCallsDisabled: 'b',
    passwordPolicies: '[]{}d',
    passwordRequirements: '{}d',
    permissionGrants: '[]@PermissionGrant',
    permittedAccessibilityServices: '{}d',
    permittedInputMethods: '{}d',
    persistentPreferredActivities: '[]{}d',
    personalUsagePolicies: '{}d',
    playStoreMode: 'PLAY_STORE_MODE_UNSPECIFIED|WHITELIST|BLACKLIST',
    policyEnforcementRules: '[]{}d',
    preferentialNetworkService:
      'PREFERENTIAL_NETWORK_SERVICE_UNSPECIFIED|PREFERENTIAL_NETWORK_SERVICE_DISABLED|PREFERENTIAL_NETWORK_SERVICE_ENABLED',
    printingPolicy: 'PRINTING_POLICY_UNSPECIFIED|PRINTING_DISALLOWED|PRINTING_ALLOWED',
    privateKeySelectionEnabled: 'b',
    recommendedGlobalProxy: '{}d',
    removeUserDisabled: 'b',
    safeBootDisabled: 'b',
    screenCaptureDisabled: 'b',
    setUserIconDisabled: 'b',
    setWallpaperDisabled: 'b',
    setupActions: '[]{}d',
    shareLocationDisabled: 'b',
    shortSupportMessage: '@UserFacingMessage',
    skipFirstUseHintsEnabled: 'b',
    smsDisabled: 'b',
    statusBarDisabled: 'b',
    statusReportingSettings: '{}d',
    stayOnPluggedModes: '[]BATTERY_PLUGGED_MODE_UNSPECIFIED|AC|USB|WIRELESS',
    systemUpdate: '{}d',
    tetheringConfigDisabled: 'b',
    uninstallAppsDisabled: 'b',
    unmuteMicrophoneDisabled: 'b',
    usageLog: '{}d',
    usbFileTransferDisabled: 'b',
    usbMassStorageEnabled: 'b',
    version: 'l',
    vpnConfigDisabled: 'b',
    wifiConfigDisabled: 'b',
    wifiConfigsLockdownEnabled: 'b',
  },
  ListPoliciesResponse: { nextPageToken: 's', policies: '[]@Policy' },
  WebApp: {
    displayMode: 'DISPLAY_MODE_UNSPECIFIED|MINIMAL_UI|STANDALONE|FULL_SCREEN',
    icons: '[]@WebAppIcon',
    name: 's',
    startUrl: 's',
    title: 's',
    versionCode: 'l',
  },
  WebAppIcon: { imageData: 's' },
  ListWebAppsResponse: { nextPageToken: 's', webApps: '[]@WebApp' },
}

export const managementTable: MethodTable = { servicePath: 'v1/', methods, forms }
export const policyFields: readonly string[] = Object.keys(forms['Policy'] ?? {})
export const applicationFields: readonly string[] = Object.keys(forms['ApplicationPolicy'] ?? {})
