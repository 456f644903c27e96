/**
 * What stands when a person and a device of theirs are named by assignments of several minds. The rows are those that
 * Intune documents for a device and the person who uses it (docs/rules.md, "Conflicts"); `acts` says which of the intents
 * still act on seats. A person's seat and a device's are two: what one gives up does not take the other's away.
 */

/** `user-available-unenrolled`: offered to people whose device is not managed; reconcile knows one sort of offer, imports bring both. */
export type SidedIntent =
  'user-required' | 'user-available' | 'user-available-unenrolled' | 'user-uninstall' | 'device-required' | 'device-uninstall'

/** What becomes of the app on that device, in the words of the table. */
export type ConflictResult =
  | 'required'
  | 'available'
  | 'uninstall'
  | 'required-and-available'
  | 'required-and-available-unenrolled'
  /** What an earlier requirement installed goes, what the person took for themself stays. */
  | 'available-unless-required-before'
  | 'uninstall-unless-claimed'

export interface ConflictRow {
  readonly a: readonly SidedIntent[]
  readonly b: readonly SidedIntent[]
  readonly result: ConflictResult
  readonly acts: readonly SidedIntent[]
}

export const conflictRows: readonly ConflictRow[] = [
  { a: ['user-required'], b: ['user-available'], result: 'required-and-available', acts: ['user-required', 'user-available'] },
  { a: ['user-required'], b: ['user-uninstall'], result: 'required', acts: ['user-required'] },
  { a: ['user-available'], b: ['user-uninstall'], result: 'uninstall', acts: ['user-uninstall'] },
  { a: ['user-required'], b: ['device-required'], result: 'required', acts: ['user-required', 'device-required'] },
  { a: ['user-required'], b: ['device-uninstall'], result: 'required', acts: ['user-required'] },
  { a: ['user-available'], b: ['device-required'], result: 'required-and-available', acts: ['user-available', 'device-required'] },
  {
    a: ['user-available'],
    b: ['device-uninstall'],
    result: 'available-unless-required-before',
    acts: ['user-available', 'device-uninstall'],
  },
  // The app stays on the device by the device's own seat; the person's seat is of no use any more and goes back.
  { a: ['user-uninstall'], b: ['device-required'], result: 'required', acts: ['user-uninstall', 'device-required'] },
  { a: ['user-uninstall'], b: ['device-uninstall'], result: 'uninstall', acts: ['user-uninstall', 'device-uninstall'] },
  { a: ['device-required'], b: ['device-uninstall'], result: 'required', acts: ['device-required'] },
  {
    a: ['user-required', 'user-available'],
    b: ['user-available'],
    result: 'required-and-available',
    acts: ['user-required', 'user-available'],
  },
  {
    a: ['user-required', 'user-available'],
    b: ['user-uninstall'],
    result: 'required-and-available',
    acts: ['user-required', 'user-available'],
  },
  {
    a: ['user-required', 'user-available'],
    b: ['device-required'],
    result: 'required-and-available',
    acts: ['user-required', 'user-available', 'device-required'],
  },
  {
    a: ['user-required', 'user-available'],
    b: ['device-uninstall'],
    result: 'required-and-available',
    acts: ['user-required', 'user-available'],
  },
  {
    a: ['user-available-unenrolled'],
    b: ['user-required', 'user-available'],
    result: 'required-and-available',
    acts: ['user-required', 'user-available', 'user-available-unenrolled'],
  },
  { a: ['user-available-unenrolled'], b: ['user-required'], result: 'required', acts: ['user-required', 'user-available-unenrolled'] },
  { a: ['user-available-unenrolled'], b: ['user-available'], result: 'available', acts: ['user-available', 'user-available-unenrolled'] },
  {
    a: ['user-available-unenrolled'],
    b: ['device-required'],
    result: 'required-and-available-unenrolled',
    acts: ['user-available-unenrolled', 'device-required'],
  },
  {
    a: ['user-available-unenrolled'],
    b: ['device-uninstall'],
    result: 'uninstall-unless-claimed',
    acts: ['user-available-unenrolled', 'device-uninstall'],
  },
]

/** The strongest first: what is beaten beats nobody, so a requirement that beats an uninstall saves the offer beside it. */
const byStrength: readonly SidedIntent[] = [
  'user-required',
  'device-required',
  'user-uninstall',
  'device-uninstall',
  'user-available',
  'user-available-unenrolled',
]

/** `weaker` does not act beside `stronger`: read off the rows of two single intents. */
const beaten = new Set(
  conflictRows.flatMap(({ a, b, acts }) => {
    const [first, second] = [a[0], b[0]]
    if (a.length !== 1 || b.length !== 1 || first === undefined || second === undefined) return []
    if (!acts.includes(first)) return [`${second} ${first}`]
    return acts.includes(second) ? [] : [`${first} ${second}`]
  }),
)

/** The intents that act, of those that name a person and a device of theirs. */
export const actingIntents = (present: ReadonlySet<SidedIntent>): ReadonlySet<SidedIntent> => {
  const acting = new Set<SidedIntent>()
  for (const intent of byStrength)
    if (present.has(intent) && ![...acting].some((stronger) => beaten.has(`${stronger} ${intent}`))) acting.add(intent)
  return acting
}

/** An uninstall that names a device yields to what is required for the person it belongs to. */
export const yieldsToOwner = (deviceIntent: 'device-required' | 'device-uninstall', ownerIntents: readonly SidedIntent[]): boolean =>
  !actingIntents(new Set([deviceIntent, ...ownerIntents])).has(deviceIntent)
