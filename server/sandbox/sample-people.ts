/* People, devices and groups of the sample organisation. Everything is made from fixed lists in a fixed order: no chance, no clock. */

export interface SampleUser {
  readonly userName: string
  readonly displayName: string
  readonly email: string
  readonly department: string
  readonly active: boolean
  readonly managedAppleAccount: string
}

export interface SampleDevice {
  readonly serialNumber: string
  readonly name: string
  readonly platform: 'iPadOS' | 'iOS' | 'macOS' | 'tvOS'
  readonly model: string
  readonly ownerUserName: string
}

export interface SampleGroup {
  readonly name: string
  readonly kind: 'user' | 'device'
}

export interface SampleMembership {
  readonly group: string
  /** User name or serial number. */
  readonly member: string
}

const FIRST_NAMES = `
  Ada Amir Anouk Arthur Astrid Ben Bianca Carl Celia Chidi Clara Daniel Dina Elif Emil Esther Farid Finn Freya Gita Hanna Hugo
  Ida Ines Ivo Jakob Jana Jonas Kofi Lara Leila Linus Lotte Malik Marta Mira Nadia Nils Noor Olga Oskar Paula Petra Quentin
  Rania Rosa Samir Selma Tessa Theo Tobias Uma Vera Viktor Wanda Yara Yusuf Zoe
`
  .trim()
  .split(/\s+/)

const LAST_NAMES = `
  Adler Asante Bakker Berg Brandt Castel Dahl Demir Ellis Engel Falk Fischer Garcia Gruber Hale Haddad Holt Ivers Jansen Keller
  Kimura Kovac Lang Lindqvist Marsh Meyer Moreau Novak Okafor Olsen Pereira Quist Rahman Reyes Roth Sato Schmid Silva Tanaka
  Thorne Ulrich Vance Vogel Weber Winter Yilmaz Zeller
`
  .trim()
  .split(/\s+/)

interface Crowd {
  readonly department: string
  readonly count: number
  readonly group?: string
  readonly hasManagedAccount: boolean
}

const CROWDS: readonly Crowd[] = [
  { department: 'Northside Primary, staff', count: 30, group: 'Teachers', hasManagedAccount: true },
  { department: 'Westfield School, staff', count: 40, group: 'Teachers', hasManagedAccount: true },
  { department: 'Hillcrest School, staff', count: 35, group: 'Teachers', hasManagedAccount: true },
  { department: 'Westfield School, Grade 7', count: 108, group: 'Grade 7 students', hasManagedAccount: true },
  { department: 'Westfield School, Grade 8', count: 91, group: 'Grade 8 students', hasManagedAccount: true },
  { department: 'Westfield School, Grade 9', count: 90, hasManagedAccount: true },
  { department: 'Hillcrest School, Grade 11', count: 60, hasManagedAccount: true },
  { department: 'Clinic, therapists', count: 34, group: 'Therapists', hasManagedAccount: false },
  { department: 'Clinic, wards', count: 76, hasManagedAccount: false },
  { department: 'Library', count: 20, group: 'Library staff', hasManagedAccount: true },
  { department: 'IT', count: 16, hasManagedAccount: true },
]

/** The names walk through both lists at different strides, so that neighbours differ and none is met twice. */
export const samplePeople = (): { readonly users: readonly SampleUser[]; readonly memberships: readonly SampleMembership[] } => {
  const users: SampleUser[] = []
  const memberships: SampleMembership[] = []
  for (const { department, count, group, hasManagedAccount } of CROWDS) {
    for (let k = 0; k < count; k += 1) {
      const n = users.length
      const first = FIRST_NAMES[n % FIRST_NAMES.length] ?? ''
      const last = LAST_NAMES[(n * 5 + Math.floor(n / (FIRST_NAMES.length * LAST_NAMES.length))) % LAST_NAMES.length] ?? ''
      const userName = `${first}.${last}`.toLowerCase()
      const email = `${userName}@eastmere.example`
      // A few have left and are still listed, as in any directory.
      const active = n % 97 !== 96
      users.push({
        userName,
        displayName: `${first} ${last}`,
        email,
        department,
        active,
        managedAppleAccount: hasManagedAccount ? email : '',
      })
      if (group !== undefined) memberships.push({ group, member: userName })
    }
  }
  return { users, memberships }
}

interface Fleet {
  readonly site: 'NS' | 'WF' | 'HL' | 'CL' | 'LB' | 'IT'
  readonly kind: 'IPAD' | 'MAC' | 'PHONE' | 'TV'
  readonly count: number
  /** Groups take their members one after the other from the beginning; what is left is in none. */
  readonly groups: readonly (readonly [name: string, count: number])[]
}

const FLEETS: readonly Fleet[] = [
  {
    site: 'NS',
    kind: 'IPAD',
    count: 244,
    groups: [
      ['Grade 1 intake', 12],
      ['Preschool screening', 12],
      ['Grade 2 tablets', 60],
      ['Grade 3 tablets', 60],
      ['Speech support', 90],
    ],
  },
  { site: 'NS', kind: 'MAC', count: 22, groups: [['Staff Macs, Northside', 22]] },
  { site: 'NS', kind: 'TV', count: 14, groups: [['Classroom Apple TVs', 14]] },
  {
    site: 'WF',
    kind: 'IPAD',
    count: 250,
    groups: [
      ['Grade 7 tablets', 112],
      ['Grade 7 loan cart', 30],
      ['Grade 8 tablets', 94],
      ['Loan pool, Westfield', 8],
    ],
  },
  { site: 'WF', kind: 'MAC', count: 32, groups: [['Staff Macs, Westfield', 30]] },
  { site: 'WF', kind: 'TV', count: 16, groups: [['Classroom Apple TVs', 16]] },
  {
    site: 'HL',
    kind: 'IPAD',
    count: 76,
    groups: [
      ['Art, Grade 9', 28],
      ['Music room', 16],
    ],
  },
  { site: 'HL', kind: 'MAC', count: 32, groups: [['Film studio Macs', 24]] },
  { site: 'HL', kind: 'TV', count: 10, groups: [['Classroom Apple TVs', 10]] },
  {
    site: 'CL',
    kind: 'IPAD',
    count: 94,
    groups: [
      ['Clinic wards', 72],
      ['Anatomy lab', 16],
    ],
  },
  { site: 'CL', kind: 'PHONE', count: 44, groups: [['Clinic phones', 40]] },
  { site: 'CL', kind: 'MAC', count: 8, groups: [['Office Macs', 8]] },
  { site: 'LB', kind: 'IPAD', count: 44, groups: [['Library carts', 40]] },
  { site: 'LB', kind: 'MAC', count: 6, groups: [['Office Macs', 6]] },
  { site: 'IT', kind: 'MAC', count: 8, groups: [['Office Macs', 6]] },
]

/** Speech support is spread over the sites: beyond Northside it takes these from devices that other groups have as well. */
const SPEECH_ELSEWHERE: readonly (readonly [prefix: string, from: number, count: number])[] = [
  ['WF-IPAD', 41, 66],
  ['HL-IPAD', 31, 40],
]

const PLATFORM = { IPAD: 'iPadOS', MAC: 'macOS', PHONE: 'iOS', TV: 'tvOS' } as const

const MODELS = {
  IPAD: ['iPad (10th generation)', 'iPad (A16)', 'iPad Air 11-inch (M3)', 'iPad (9th generation)'],
  MAC: ['MacBook Air 13-inch (M3)', 'Mac mini (M4)', 'MacBook Air 13-inch (M2)', 'iMac 24-inch (M4)'],
  PHONE: ['iPhone SE (3rd generation)', 'iPhone 16e', 'iPhone 15'],
  TV: ['Apple TV 4K (3rd generation)', 'Apple TV 4K (2nd generation)'],
} as const

// As on real devices, O and I are left out.
const SERIAL_LETTERS = '0123456789ABCDEFGHJKLMNPQRSTUVWXYZ'
const PLANT = { IPAD: 'DMP', MAC: 'C02', PHONE: 'F17', TV: 'C07' } as const

const serialOf = (plant: string, n: number): string => {
  // A stride that shares no factor with 34^4 visits every value once.
  let left = (n * 391_939 + 77_777) % 34 ** 4
  let text = ''
  for (let digit = 0; digit < 4; digit += 1) {
    text = (SERIAL_LETTERS[left % 34] ?? '0') + text
    left = Math.floor(left / 34)
  }
  return `${plant}X${text}${String(n % 100).padStart(2, '0')}`
}

/** Devices the store knows seats of and the directory does not: sold, lost, or another campus's. */
export const outsideSerial = (n: number): string => serialOf('GG7', 10_000 + n)

export const sampleDevices = (
  users: readonly SampleUser[],
): { readonly devices: readonly SampleDevice[]; readonly memberships: readonly SampleMembership[] } => {
  const devices: SampleDevice[] = []
  const memberships: SampleMembership[] = []
  const owners: Readonly<Record<string, readonly SampleUser[]>> = {
    'NS-MAC': users.filter(({ department }) => department.startsWith('Northside')),
    'WF-MAC': users.filter(({ department }) => department === 'Westfield School, staff'),
    'CL-PHONE': users.filter(({ department }) => department === 'Clinic, wards'),
    'WF-IPAD': users.filter(({ department }) => department === 'Westfield School, Grade 7' || department === 'Westfield School, Grade 8'),
    'IT-MAC': users.filter(({ department }) => department === 'IT'),
  }
  for (const { site, kind, count, groups } of FLEETS) {
    const own = owners[`${site}-${kind}`] ?? []
    const taken: SampleDevice[] = []
    for (let k = 0; k < count; k += 1) {
      const n = devices.length
      const models = MODELS[kind]
      const device: SampleDevice = {
        serialNumber: serialOf(PLANT[kind], n),
        name: `${site}-${kind}-${String(k + 1).padStart(4, '0')}`,
        platform: PLATFORM[kind],
        model: models[Math.floor(k / 40) % models.length] ?? models[0],
        ownerUserName: own[k]?.userName ?? '',
      }
      devices.push(device)
      taken.push(device)
    }
    let from = 0
    for (const [group, size] of groups) {
      for (const { serialNumber } of taken.slice(from, from + size)) memberships.push({ group, member: serialNumber })
      from += size
    }
  }
  for (const [prefix, from, count] of SPEECH_ELSEWHERE) {
    const fleet = devices.filter(({ name }) => name.startsWith(prefix)).slice(from, from + count)
    for (const { serialNumber } of fleet) memberships.push({ group: 'Speech support', member: serialNumber })
  }
  return { devices, memberships }
}

export const sampleGroups = (memberships: readonly SampleMembership[], users: readonly SampleUser[]): readonly SampleGroup[] => {
  const userNames = new Set(users.map(({ userName }) => userName))
  const kinds = new Map<string, SampleGroup['kind']>()
  for (const { group, member } of memberships) kinds.set(group, userNames.has(member) ? 'user' : 'device')
  return Array.from(kinds, ([name, kind]) => ({ name, kind }))
}
