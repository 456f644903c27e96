/**
 * Policies of ours. A policy of somebody else's is never changed: who follows it may be many. A device that is given or
 * denied an app follows a copy of its policy, made for it alone; the copy's id tells the device and the policy that it was
 * made from. Source: docs/stores/android-management.md, "How an app is given".
 */
const COPY = /^qm1\.([^.]+)\.(.+)$/

export const copyIdOf = (deviceId: string, baseId: string): string => `qm1.${deviceId}.${baseId}`

/** Undefined: the policy is none of ours. */
export const copyOf = (policyId: string): { readonly deviceId: string; readonly base: string } | undefined => {
  const [, deviceId, base] = COPY.exec(policyId) ?? []
  return deviceId === undefined || base === undefined ? undefined : { deviceId, base }
}
