import type { AppleControl } from './apple/control.ts'
import type { SampleOrganisation } from './sample-organisation.ts'

/** Fills an empty store with what the organisation has bought, whom it has registered and what is already in use. */
export const furnishApple = (control: AppleControl, organisation: SampleOrganisation): void => {
  for (const location of organisation.locations) {
    const { owned, registered, owner, subscriptions, ...head } = location
    control.addLocation(head)
    for (const user of registered) control.registerUser(location.uId, user)
    for (const { adamId, ...rest } of owned) control.own(location.uId, adamId, rest)
    if (subscriptions.length > 0) control.setSubscriptionsEnabled(location.uId, true)
    for (const { adamId, ...rest } of subscriptions) control.ownSubscription(location.uId, adamId, rest)
    if (owner !== null) control.setOwner(location.uId, owner)
  }
  for (const { organisation: name, program, devices } of organisation.deviceLists) {
    control.addDeviceAccount(name, program)
    for (const device of devices) control.addDevice(name, device)
  }
}
