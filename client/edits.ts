/**
 * All that an administrator can do without a network. One act = one edit = one row of the outbox; a bulk act of more
 * targets than an edit may carry is several. What can never be is refused here, with the words the server would use, and
 * queues nothing.
 */
import {
  kindsGiven,
  sameWish,
  termsOf,
  usualTerms,
  withTerms,
  wishRefused,
  wishRefusedInWords,
  type Intent,
  type Mode,
  type SeatsAfter,
  type Wish,
  type WishRefused,
  type WishTerms,
} from '../shared/assignment.ts'
import { licensesKey, principalsKey, wishesKey } from '../shared/facts.ts'
import { docOfLicense, licenseOfDoc, ordinalOf, targetOf, type LicenseId, type PrincipalKind, type TargetKey } from '../shared/ids.ts'
import type { License, LicenseType } from '../shared/license.ts'
import { mostIntents, mostNoteCharacters } from '../shared/plan.ts'
import { mostWordsCharacters } from '../shared/protocol.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { mayEdit, type AdminConsole } from './console.ts'
import type { DirectoryReader } from './directory.ts'
import { localFailureInWords, type LocalFailure, type OutboxRow, type SavedEdit } from './local-db.ts'
import { pendingEdits, standingWith, type Standing, type UnrevisedWish, type WantedChange } from './outbox.ts'
import { wishInWords } from './views/words.ts'

export interface AssignRequest {
  readonly license: LicenseId
  readonly targets: readonly TargetKey[]
  readonly mode: Mode
  readonly intent: Intent
  readonly licenseType: LicenseType
  /** Left out: those that stand, or the usual ones. */
  readonly terms?: WishTerms
  readonly note?: string
  /** The person was told that the product can't be taken back, and said yes. */
  readonly confirmed?: boolean
}

/** Why an act was not even queued; nothing changed. `text` is for the person. */
export type ActRefused =
  | { readonly is: WishRefused; readonly text: string; readonly target: TargetKey }
  | {
      readonly is:
        'not-permitted' | 'license-unknown' | 'target-unknown' | 'nothing-to-do' | 'note-too-long' | 'edit-unknown' | 'facts-missing'
      readonly text: string
    }
  | { readonly is: 'not-saved'; readonly failure: LocalFailure; readonly text: string }

export interface Kept {
  /** Ids of the outbox rows, on this device's disk. */
  readonly ids: readonly number[]
  /** "Give Keynote to Grade 7 tablets, required". */
  readonly words: string
}

export interface Edits {
  /** Fails with the wish's own reasons, and with `not-saved` when this device could not keep it. */
  assign(request: AssignRequest): Promise<Result<Kept, ActRefused>>
  /** Changes wishes that stand; targets without one are left out. */
  changeAssignment(request: AssignRequest): Promise<Result<Kept, ActRefused>>
  removeAssignment(license: LicenseId, targets: readonly TargetKey[], seats: SeatsAfter): Promise<Result<Kept, ActRefused>>
  setNote(license: LicenseId, target: TargetKey, note: string): Promise<Result<Kept, ActRefused>>
  /** A new edit that sets back what an unsent or saved edit changed. */
  undo(id: number): Promise<Result<Kept, ActRefused>>
  /** A refused edit, made again on what stands now; the refused one goes. */
  editAgain(id: number): Promise<Result<Kept, ActRefused>>
  /** Forgets a refused edit. */
  discard(id: number): Promise<Result<void, ActRefused>>
}

const nothingToDo: ActRefused = { is: 'nothing-to-do', text: 'This stands already. Nothing changed.' }
const licenseUnknown: ActRefused = { is: 'license-unknown', text: 'This license is no longer known here. Nothing changed.' }

/** What an act looks at, read once before it is judged. */
interface Scene {
  readonly license: License
  readonly standing: ReadonlyMap<TargetKey, Standing>
}

export const createEdits = (console: AdminConsole, directory: DirectoryReader): Edits => {
  const { facts } = console

  const notPermitted = (): ActRefused | undefined => {
    const admin = console.meta()?.admin
    return mayEdit(console.meta())
      ? undefined
      : {
          is: 'not-permitted',
          text: `Your role is ${admin?.role ?? 'not known yet'}. Only an administrator or the owner may change assignments. Nothing changed.`,
        }
  }

  const scene = async (license: LicenseId, targets: readonly TargetKey[]): Promise<Result<Scene, ActRefused>> => {
    await console.opened
    const refused = notPermitted()
    if (refused !== undefined) return err(refused)
    const principals = targets
      .map(targetOf)
      .flatMap((target) => (target.kind === 'user' || target.kind === 'device' ? [principalsKey(ordinalOf(target.id))] : []))
    await facts.load([licensesKey(license), wishesKey(license), 'groups', ...new Set(principals)])
    const licenses = facts.rows(licensesKey(license))
    const wishes = facts.rows(wishesKey(license))
    const found = licenses.is === 'ready' ? licenses.value.find(({ id }) => id === license) : undefined
    if (found === undefined || wishes.is === 'loading')
      return err(
        console.meta()?.whole === true
          ? licenseUnknown
          : { is: 'facts-missing', text: 'The licenses have not been fetched to this device yet. Connect once, then do it again.' },
      )
    const pending = pendingEdits(docOfLicense(license), console.outbox(), console.saved(), console.meta()?.seq ?? 0)
    return ok({ license: found, standing: standingWith(wishes.value, pending) })
  }

  const kindOf = (key: TargetKey): PrincipalKind | undefined => {
    const target = targetOf(key)
    switch (target.kind) {
      case 'all-users':
        return 'user'
      case 'all-devices':
        return 'device'
      case 'group': {
        const groups = directory.groups()
        return groups.is === 'ready' ? groups.value.find(({ id }) => id === target.id)?.kind : undefined
      }
      case 'user':
      case 'device':
        return directory.nameOfTarget(key).known ? target.kind : undefined
    }
  }

  /** The sorts of principals to which the license goes once these wishes stand. */
  const kindsAfter = ({ standing }: Scene, wanted: readonly { readonly target: TargetKey; readonly wish: UnrevisedWish }[]) => {
    const wishByKey = new Map<TargetKey, UnrevisedWish>([...standing].map(([key, { placed }]) => [key, placed.wish]))
    for (const { target, wish } of wanted) wishByKey.set(target, wish)
    return kindsGiven(
      [...wishByKey].map(([key, wish]) => ({ key, wish })),
      kindOf,
    )
  }

  const judge = (
    license: License,
    target: TargetKey,
    wish: UnrevisedWish,
    confirmed: boolean,
    included: ReadonlySet<PrincipalKind>,
  ): ActRefused | undefined => {
    const kind = kindOf(target)
    // Taking back is possible for a target that has vanished; giving is not.
    if (kind === undefined)
      return wish.mode === 'removed'
        ? undefined
        : {
            is: 'target-unknown',
            text: `${directory.nameOfTarget(target).name} is not in the directory. Nothing changed. Choose another person, device or group.`,
          }
    const never = wishRefused(license, kind, { ...wish, rev: 1 }, confirmed, included)
    return never === undefined ? undefined : { is: never, text: wishRefusedInWords(never, license.product.name), target }
  }

  /** Keeps changes as one edit, or as several when one could not carry them. */
  const keep = async (
    license: LicenseId,
    words: string,
    changes: readonly WantedChange[],
    replaces?: number,
  ): Promise<Result<Kept, ActRefused>> => {
    const ids: number[] = []
    const text = words.slice(0, mostWordsCharacters)
    for (let from = 0; from < changes.length; from += mostIntents) {
      const kept = await console.keep({
        doc: docOfLicense(license),
        words: text,
        changes: changes.slice(from, from + mostIntents),
        ...(replaces === undefined || from > 0 ? {} : { replaces }),
      })
      if (!kept.ok) return err({ is: 'not-saved', failure: kept.error, text: localFailureInWords(kept.error) })
      ids.push(kept.value.id)
    }
    return ok({ ids, words: text })
  }

  const names = (targets: readonly TargetKey[]): readonly string[] => targets.map((target) => directory.nameOfTarget(target).name)

  const wish = async (request: AssignRequest, onlyStanding: boolean): Promise<Result<Kept, ActRefused>> => {
    const { license, note, confirmed = false } = request
    if (note !== undefined && note.length > mostNoteCharacters)
      return err({ is: 'note-too-long', text: `A note has at most ${mostNoteCharacters} characters. Nothing changed.` })
    const found = await scene(license, request.targets)
    if (!found.ok) return found
    const { mode, intent, licenseType, terms } = request
    const wantedOf = (stood: Wish | undefined): UnrevisedWish => ({
      mode,
      intent,
      licenseType,
      ...withTerms(terms ?? (stood === undefined ? usualTerms : termsOf(stood))),
    })
    const targets = [...new Set(request.targets)]
    const included = kindsAfter(
      found.value,
      targets.map((target) => ({ target, wish: wantedOf(undefined) })),
    )
    const changes: WantedChange[] = []
    const changed: TargetKey[] = []
    for (const target of targets) {
      const standing = found.value.standing.get(target)?.placed
      const wanted = wantedOf(standing?.wish)
      if (onlyStanding && (standing === undefined || standing.wish.mode === 'removed')) continue
      const refused = judge(found.value.license, target, wanted, confirmed, included)
      if (refused !== undefined) return err(refused)
      const before = changes.length
      if (standing === undefined || !alike(standing.wish, wanted)) changes.push({ part: 'wish', target, wish: wanted, confirmed })
      if (note !== undefined && note !== (standing?.note ?? '')) changes.push({ part: 'note', target, note })
      if (changes.length > before) changed.push(target)
    }
    if (changes.length === 0) return err(nothingToDo)
    return await keep(license, wishInWords(found.value.license.product.name, names(changed), wantedOf(undefined)), changes)
  }

  const findEdit = (id: number): OutboxRow | SavedEdit | undefined =>
    console.outbox().find((row) => row.id === id) ?? console.saved().find((edit) => edit.id === id)
  const editUnknown: ActRefused = { is: 'edit-unknown', text: 'This edit is no longer on this device. Nothing changed.' }

  return {
    assign: (request) => wish(request, false),
    changeAssignment: (request) => wish(request, true),
    removeAssignment: async (license, targets, seats) => {
      const found = await scene(license, targets)
      if (!found.ok) return found
      const standing = [...new Set(targets)].filter((target) => {
        const placed = found.value.standing.get(target)?.placed
        return placed !== undefined && placed.wish.mode !== 'removed'
      })
      if (standing.length === 0) return err(nothingToDo)
      const wanted: UnrevisedWish = { mode: 'removed', seats }
      return await keep(
        license,
        wishInWords(found.value.license.product.name, names(standing), wanted),
        standing.map((target) => ({ part: 'wish', target, wish: wanted, confirmed: false })),
      )
    },
    setNote: async (license, target, note) => {
      if (note.length > mostNoteCharacters)
        return err({ is: 'note-too-long', text: `A note has at most ${mostNoteCharacters} characters. Nothing changed.` })
      const found = await scene(license, [target])
      if (!found.ok) return found
      const standing = found.value.standing.get(target)?.placed
      if (standing === undefined || standing.note === note) return err(nothingToDo)
      const name = directory.nameOfTarget(target).name
      const words = note === '' ? 'Clear the note' : 'Write a note'
      return await keep(license, `${words} on ${found.value.license.product.name} for ${name}`, [{ part: 'note', target, note }])
    },
    undo: async (id) => {
      const edit = findEdit(id)
      if (edit === undefined || ('state' in edit && edit.state === 'refused')) return err(editUnknown)
      const license = licenseOfDoc(edit.doc)
      const targets = edit.before.map(({ target }) => target)
      const found = await scene(license, targets)
      if (!found.ok) return found
      const changes: WantedChange[] = []
      for (const { target, wish: stood, note } of edit.before) {
        const standing = found.value.standing.get(target)?.placed
        const changesWish = edit.intents.some((intent) => intent.part === 'wish' && intent.target === target)
        const wanted: UnrevisedWish = stood === null ? { mode: 'removed', seats: 'release' } : stood
        const gone = stood === null && (standing === undefined || standing.wish.mode === 'removed')
        // Confirmed when it was first given, and set back as it was.
        if (changesWish && !gone && (standing === undefined || !alike(standing.wish, wanted)))
          changes.push({ part: 'wish', target, wish: wanted, confirmed: true })
        if (edit.intents.some((intent) => intent.part === 'note' && intent.target === target) && standing?.note !== note)
          changes.push({ part: 'note', target, note })
      }
      if (changes.length === 0) return err(nothingToDo)
      return await keep(license, `Take back: ${edit.words}`, changes)
    },
    editAgain: async (id) => {
      const row = console.outbox().find((found) => found.id === id)
      if (row === undefined || row.state !== 'refused' || row.refusal?.code === 'other-server') return err(editUnknown)
      const license = licenseOfDoc(row.doc)
      const found = await scene(
        license,
        row.intents.map(({ target }) => target),
      )
      if (!found.ok) return found
      const wishes = row.intents.filter((intent) => intent.part === 'wish')
      const included = kindsAfter(found.value, wishes)
      for (const intent of wishes) {
        const refused = judge(found.value.license, intent.target, intent.wish, intent.confirmed, included)
        if (refused !== undefined) return err(refused)
      }
      return await keep(license, row.words, row.intents, row.id)
    },
    discard: async (id) => {
      const discarded = await console.discard(id)
      return discarded.ok ? ok(undefined) : err({ is: 'not-saved', failure: discarded.error, text: localFailureInWords(discarded.error) })
    },
  }
}

/** Same but for the revision. */
const alike = (a: UnrevisedWish, b: UnrevisedWish): boolean => sameWish({ ...a, rev: 1 }, { ...b, rev: 1 })
