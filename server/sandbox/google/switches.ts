/**
 * How this Google behaves where the real one is not pinned down, or where it has changed. A mark in the help text says how
 * sure the behaviour is: [D] Google's own description of the API, [P] its public pages, [R] recalled, [A] assumed by us.
 */
export interface GoogleSwitches {
  readonly licenseApi: 'alive' | 'retired-403' | 'retired-404' | 'retired-410'
  readonly groupLicenseList: 'whole' | 'ids-only'
  readonly emptyAnswers: '204' | '200-empty' | '200-object'
  readonly pageSize: number
  readonly queriesPerMinute: number | null
  readonly quotaAnswer: '429' | '403-rateLimitExceeded' | '403-userRateLimitExceeded'
  readonly quotaRetryAfter: string | null
  readonly unenrolledAnswer: '403' | '404'
  readonly exhaustedAnswer: '403' | '400'
  readonly acknowledgeWithinMs: number
  readonly longPollMs: number
  readonly notificationsPerSet: number
  readonly installDelayMs: number
  readonly removalDelayMs: number
  readonly webAppDelayMs: number
  readonly extraMembers: boolean
  readonly errorsList: boolean
  readonly managementPageSize: number
  readonly managementQueriesPer100s: number | null
  readonly policyDelayMs: number
  readonly missingAnswer: '404' | '500'
}

export const DEFAULT_GOOGLE_SWITCHES: GoogleSwitches = {
  licenseApi: 'alive',
  groupLicenseList: 'whole',
  emptyAnswers: '204',
  pageSize: 100,
  queriesPerMinute: 60_000,
  quotaAnswer: '429',
  quotaRetryAfter: null,
  unenrolledAnswer: '403',
  exhaustedAnswer: '403',
  acknowledgeWithinMs: 20_000,
  longPollMs: 120_000,
  notificationsPerSet: 100,
  installDelayMs: 30_000,
  removalDelayMs: 60_000,
  webAppDelayMs: 300_000,
  extraMembers: false,
  errorsList: true,
  managementPageSize: 100,
  managementQueriesPer100s: 1000,
  policyDelayMs: 30_000,
  missingAnswer: '404',
}

export const GOOGLE_SWITCH_HELP: Readonly<Record<keyof GoogleSwitches, string>> = {
  licenseApi:
    'The license methods: alive, as until 30 September 2025, or retired since then [P]. Which status they answer is not documented [A].',
  groupLicenseList: 'grouplicenses.list with all members, or with product ids alone as its description says [D].',
  emptyAnswers: 'What a method without an answer answers [A].',
  pageSize: 'The most products on one page of products.list.',
  queriesPerMinute: 'Requests a minute for each project; null: no limit. Google: 60,000 [P].',
  quotaAnswer: 'How more than that is refused [R].',
  quotaRetryAfter: 'The Retry-After beside it; null: none [A].',
  unenrolledAnswer: 'What an enterprise that was unbound in the admin console answers [A].',
  exhaustedAnswer: 'The answer to an entitlement when no license is left [A].',
  acknowledgeWithinMs: 'A notification set that is not acknowledged within this is delivered again. Google: 20 s [D].',
  longPollMs: 'How long a pull waits for notifications [A].',
  notificationsPerSet: 'The most notifications in one set [A].',
  installDelayMs: 'From asking for an app on a device to its being installed [A].',
  removalDelayMs: 'From asking for its removal to its being gone. The lists show it until then [D].',
  webAppDelayMs: 'From making a web app to its being published. Google: minutes [P].',
  extraMembers: 'Answers hold members and words that are in no description: a later release of Google.',
  errorsList: 'Failures carry the list of errors with their reasons; older and newer fronts leave it out [R].',
  managementPageSize: 'Android Management: the most items on one page of a list [A].',
  managementQueriesPer100s:
    'Android Management: requests in 100 s for each cloud project, all its enterprises together; null: no limit. Google: 1,000 [P].',
  policyDelayMs: 'From a change of a policy to the device that follows it [A].',
  missingAnswer: 'Android Management: what is not there answers 404, or 500 with words that say so [O].',
}
