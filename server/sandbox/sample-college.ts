/** Eastmere College: a small tenant that bought apps in Microsoft's Store for Business while that was possible. Fixed lists, no chance. */
import type { BusinessControl } from './microsoft/business-control.ts'

export const COLLEGE_TENANT = '6f1d2c3b-8a90-4e57-9b11-2d64c0a7e815'
export const COLLEGE_CLIENT = '0b7e4a52-31c8-4d0f-a6f3-9c58d1e2b740'

const DOMAIN = 'college.eastmere.example'
export const COLLEGE_STAFF: readonly string[] = `
  Agnes.Moor Bruno.Keel Carmen.Odell Dario.Finch Edda.Royce Felix.Arden Greta.Hollis Henrik.Vale Irma.Stone Jorge.Penn Karin.Wolfe
  Lukas.Marsh Maud.Birch Nico.Hart Oda.Lund Pavel.Ridge Rikke.Thorn Sven.Brook Tilda.Frost Ulla.Reed Viggo.Lane Wilma.Ford Yngve.Park Zita.Glen
`
  .trim()
  .split(/\s+/)
  .map((name) => `${name.toLowerCase()}@${DOMAIN}`)

interface CollegeApp {
  readonly productId: string
  readonly name: string
  readonly publisher: string
  readonly capacity: number | 'unlimited'
  /** From the beginning of the staff. */
  readonly held: number
  readonly kind?: 'Online' | 'Offline'
}

const APPS: readonly CollegeApp[] = [
  { productId: '9NBLGGH4R2R6', name: 'Field Notes Pro', publisher: 'Fabrikam', capacity: 20, held: 17 },
  { productId: '9WZDNCRFJ3PT', name: 'Lab Timer', publisher: 'Adventure Works', capacity: 'unlimited', held: 22 },
  { productId: '9NBLGGH1CQ7L', name: 'Circuit Sketch', publisher: 'Litware', capacity: 8, held: 8 },
  { productId: '9P6RC76MSMMJ', name: 'Harmony Score', publisher: 'Wingtip Music', capacity: 12, held: 3 },
  { productId: '9NBLGGH537C2', name: 'Kiosk Frame', publisher: 'Proseware', capacity: 40, held: 0, kind: 'Offline' },
]

export const furnishCollege = (business: BusinessControl): void => {
  business.addUsers(COLLEGE_TENANT, ...COLLEGE_STAFF)
  for (const { productId, name, publisher, capacity, held, kind = 'Online' } of APPS)
    business.own(COLLEGE_TENANT, productId, {
      capacity,
      licenseType: kind,
      heldBy: COLLEGE_STAFF.slice(0, held),
      product: {
        name,
        publisher,
        platforms: ['Windows.Desktop'],
        packageFamilyName: `${publisher.replaceAll(' ', '')}.${name.replaceAll(' ', '')}`,
      },
    })
}
