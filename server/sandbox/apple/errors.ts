/** What Apple's server answers when it refuses. The message is for people; callers decide on the number. */
export interface AppleError {
  readonly is: 'apple-error'
  readonly errorNumber: number
  readonly errorInfo?: ErrorInfo
}

/** Any subset may be present, and often none is. */
export interface ErrorInfo {
  readonly assets?: readonly { readonly adamId: string; readonly pricingParam: string }[]
  readonly clientUserIds?: readonly string[]
  readonly serialNumbers?: readonly string[]
}

export const appleError = (errorNumber: number, errorInfo?: ErrorInfo): AppleError =>
  errorInfo === undefined ? { is: 'apple-error', errorNumber } : { is: 'apple-error', errorNumber, errorInfo }

// Status 0 marks errors that only ever arrive inside an event; [inferred] statuses are those Apple's table leaves open.
const TABLE: Readonly<Record<number, readonly [status: number, message: string]>> = {
  9601: [401, 'Login required.'],
  9602: [400, 'Invalid argument.'],
  9603: [500, 'Internal error.'],
  9609: [400, 'Unable to find the registered user.'],
  9616: [0, 'License already assigned.'],
  9618: [0, 'The user has already been retired.'],
  9619: [0, 'License not associated.'],
  9621: [401, 'The server token has expired.'],
  9622: [401, 'Invalid authentication token.'],
  9625: [401, 'The server token has been revoked.'],
  9634: [410, 'This service is no longer offered.'],
  9635: [0, 'The Apple Account cannot be associated with this user.'],
  9637: [403, 'The token does not allow this operation.'],
  9641: [0, 'The Apple Account is already associated with another user.'],
  9644: [0, 'The service is in maintenance.'],
  9646: [429, 'Too many requests for this organization. Retry later.'],
  9647: [403, 'Not available for legacy tokens.'],
  9650: [400, 'Page index out of range.'],
  9700: [400, 'Too many assets.'],
  9701: [400, 'Too many client user IDs.'],
  9702: [400, 'Too many serial numbers.'],
  9703: [400, 'Duplicate assets.'],
  9704: [400, 'Duplicate client user IDs.'],
  9705: [400, 'Duplicate serial numbers.'],
  9706: [400, 'Asset is not revocable.'],
  9707: [400, 'Asset is not device assignable.'],
  9708: [400, 'Event not found.'],
  9709: [0, 'Not enough licenses left.'],
  9710: [400, 'Notification URL and notification auth token must be given together.'],
  9711: [400, 'Notification URL or auth token too long.'],
  9712: [400, 'Notification URL is not a valid HTTPS URL.'],
  9713: [400, 'mdmInfo metadata too long.'],
  9714: [400, 'Too many users.'],
  9715: [400, 'Duplicate users.'],
  9716: [0, 'An active user with this client user ID exists.'],
  9717: [400, 'Invalid email address.'],
  9718: [400, 'No assets given.'],
  9719: [400, 'Neither client user IDs nor serial numbers given.'],
  9720: [400, 'No users given.'],
  9721: [400, 'Invalid version ID.'],
  9722: [401, 'Authorization header missing or malformed.'],
  9723: [400, 'mdmInfo is incomplete.'],
  9724: [400, 'mdmInfo id too long.'],
  9725: [400, 'mdmInfo name too long.'],
  9726: [405, 'HTTP method not allowed.'],
  9727: [415, 'Unsupported content type.'],
  9728: [400, 'Notification URL could not be reached.'],
  9729: [503, 'Service temporarily unavailable.'],
  9805: [400, 'Too many subscriptions.'],
  9811: [400, 'Subscription association is invalid.'],
  9812: [400, 'Cursor is invalid.'],
  9813: [400, 'adamId is invalid.'],
  9814: [400, 'No associated user found for the client user ID.'],
  9815: [400, 'The user does not have this adamId.'],
  9816: [400, 'Too many subscriptions.'],
  9817: [400, 'The user already has this subscription through a group.'],
  9818: [400, 'Subscriptions exist and cannot be disabled.'],
}

/** A number outside the table takes 400, as Apple says more numbers may be added at any time. */
export const statusOf = (errorNumber: number): number => {
  const status = TABLE[errorNumber]?.[0] ?? 400
  return status === 0 ? 400 : status
}

export const messageOf = (errorNumber: number): string => TABLE[errorNumber]?.[1] ?? 'Unexpected error.'

/** The list that service/config publishes. */
export const publishedErrors = (): readonly { readonly errorNumber: number; readonly errorMessage: string }[] =>
  // 9622 is missing from Apple's v2 list although it is answered; the v1 left-overs are missing as well.
  Object.entries(TABLE)
    .map(([number, [, errorMessage]]) => ({ errorNumber: Number(number), errorMessage }))
    .filter(({ errorNumber }) => ![9616, 9618, 9619, 9622, 9805].includes(errorNumber))
