/** Eastmere College's tenant: its people, groups and Microsoft 365 subscriptions, and what its Intune holds. Fixed lists, no chance. */
import type { GraphControl } from './microsoft/graph-control.ts'
import { COLLEGE_STAFF } from './sample-college.ts'
import { isoTime } from '../../shared/clock.ts'

const DAY_MS = 86_400_000
const STUDENTS = 96

const titled = (userName: string): string =>
  (userName.split('@')[0] ?? userName)
    .split('.')
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join(' ')

/** What an administrator of the tenant has given its app: all that Quartermaster can use. */
export const COLLEGE_ROLES: readonly string[] = [
  'Organization.Read.All',
  'User.Read.All',
  'GroupMember.Read.All',
  'LicenseAssignment.ReadWrite.All',
  'DeviceManagementApps.Read.All',
  'DeviceManagementServiceConfig.Read.All',
  'DeviceManagementConfiguration.Read.All',
]

/** `clinic`: an Apple location that is connected here too, and the adamId of an app that it owns. */
export const furnishCollegeTenant = (
  control: GraphControl,
  now: number,
  clinic: { readonly name: string; readonly organization: string; readonly adamId: string },
): void => {
  const departments = ['Music', 'Sciences', 'Languages', 'Administration']
  const staff = COLLEGE_STAFF.map((userPrincipalName, n) =>
    control.addUser({
      userPrincipalName,
      displayName: titled(userPrincipalName),
      department: departments[n % departments.length] ?? null,
      // Two of them have none, as new accounts do.
      usageLocation: n === 21 || n === 22 ? null : 'GB',
    }),
  )
  const students = Array.from({ length: STUDENTS }, (_, n) =>
    control.addUser({
      userPrincipalName: `student${String(n + 1).padStart(3, '0')}@college.eastmere.example`,
      displayName: `Student ${n + 1}`,
      department: n < 48 ? 'Year 12' : 'Year 13',
    }),
  )
  control.addUser({
    userPrincipalName: 'visiting.lecturer_fabrikam.example#EXT#@college.eastmere.example',
    displayName: 'Visiting Lecturer',
    mail: 'visiting.lecturer@fabrikam.example',
    userType: 'Guest',
    usageLocation: null,
  })
  const asUsers = (list: readonly { readonly id: string }[]) => list.map(({ id }) => ({ id, type: 'user' as const }))
  const music = control.addGroup('College Music', asUsers(staff.filter((_, n) => n % departments.length === 0)))
  const allStaff = control.addGroup('College staff', [
    ...asUsers(staff.filter((_, n) => n % departments.length !== 0)),
    { id: music.id, type: 'group' },
  ])
  const year12 = control.addGroup('College Year 12', asUsers(students.slice(0, 48)))
  const year13 = control.addGroup('College Year 13', asUsers(students.slice(48)))
  control.addGroup(
    'College, everybody',
    [allStaff, year12, year13].map(({ id }) => ({ id, type: 'group' as const })),
  )

  const a3 = control.addSku({ skuPartNumber: 'M365EDU_A3_FACULTY' }, 24)
  for (const { userPrincipalName } of staff.slice(0, 18)) control.give(userPrincipalName, a3.skuId)
  const students3 = control.addSku({ skuPartNumber: 'M365EDU_A3_STUDENT' }, 90)
  control.licenseGroup(year12.id, students3.skuId)
  for (const { userPrincipalName } of students.slice(48, 80)) control.give(userPrincipalName, students3.skuId)
  // Fewer were renewed than are in use.
  const visio = control.addSku({ skuPartNumber: 'VISIOCLIENT' }, 3)
  for (const { userPrincipalName } of staff.slice(0, 5)) control.give(userPrincipalName, visio.skuId)
  control.addSku(
    {
      skuPartNumber: 'PROJECTPROFESSIONAL',
      capabilityStatus: 'Warning',
      prepaidUnits: { enabled: 0, warning: 6, suspended: 0, lockedOut: 0 },
    },
    0,
  )
  control.addSku({ skuPartNumber: 'WINDOWS_STORE', appliesTo: 'Company', usedByTheTenant: 0 }, 25)

  const token = control.addVppToken(
    {
      organizationName: clinic.organization,
      vppTokenAccountType: 'business',
      appleId: 'apps@eastmere.example',
      expirationDateTime: isoTime(now + 140 * DAY_MS),
      lastSyncDateTime: isoTime(now - 3_600_000),
      lastModifiedDateTime: isoTime(now - 30 * DAY_MS),
      state: 'assignedToExternalMDM',
      lastSyncStatus: 'completed',
      automaticallyUpdateApps: true,
      countryOrRegion: 'gb',
    },
    { displayName: clinic.name, locationName: clinic.name, tokenActionResults: [] },
  )
  const group = (id: string) => ({ '@odata.type': '#microsoft.graph.groupAssignmentTarget', groupId: id })
  control.addMobileApp({
    type: '#microsoft.graph.iosVppApp',
    both: {
      displayName: 'The app that the clinic has too',
      publisher: 'Example',
      publishingState: 'published',
      bundleId: 'com.example.clinic',
      appStoreUrl: `https://apps.apple.com/gb/app/id${clinic.adamId}`,
      usedLicenseCount: 12,
      totalLicenseCount: 40,
      licensingType: { supportsUserLicensing: true, supportsDeviceLicensing: true },
      vppTokenOrganizationName: clinic.organization,
      vppTokenAccountType: 'business',
      vppTokenAppleId: 'apps@eastmere.example',
    },
    beta: { vppTokenId: token.id, vppTokenDisplayName: clinic.name, revokeLicenseActionResults: [] },
    assignments: [
      {
        intent: 'required',
        target: group(allStaff.id),
        settings: { '@odata.type': '#microsoft.graph.iosVppAppAssignmentSettings', useDeviceLicensing: true },
      },
    ],
  })
  control.addMobileApp({
    type: '#microsoft.graph.androidManagedStoreApp',
    both: { displayName: 'Sketchbook', publisher: 'Fabrikam', publishingState: 'published' },
    beta: {
      packageId: 'com.fabrikam.sketch',
      appIdentifier: 'com.fabrikam.sketch',
      isPrivate: false,
      usedLicenseCount: 0,
      totalLicenseCount: 0,
    },
    assignments: [{ intent: 'available', target: group(year13.id), settings: null }],
  })
  control.bindManagedPlay({
    id: 'androidManagedStoreAccountEnterpriseSettings',
    bindStatus: 'boundAndValidated',
    lastAppSyncDateTime: isoTime(now - 2 * 3_600_000),
    lastAppSyncStatus: 'success',
    ownerUserPrincipalName: 'eastmere.college@gmail.example',
    ownerOrganizationName: 'Eastmere College',
    lastModifiedDateTime: isoTime(now - 90 * DAY_MS),
    enrollmentTarget: 'all',
    targetGroupIds: [],
  })
}
