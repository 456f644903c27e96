/** After an act on the plan: the message with the way back, or the reason why nothing changed. */
import type { Result } from '../../shared/result.ts'
import type { ActRefused, Kept } from '../edits.ts'
import type { Toasts } from '../parts/toasts.svelte.ts'
import type { Workspace } from '../workspace.svelte.ts'

/**
 * Shows what was kept, with Undo, which takes back every edit of the act.
 *
 * Gives the reason in words when it was refused: a screen shows that where the act was made, since a message leaves.
 */
export const tell = (workspace: Workspace, toasts: Toasts, done: Result<Kept, ActRefused>): string | undefined => {
  if (!done.ok) return done.error.text
  const { ids, words } = done.value
  toasts.show(`${words}.`, {
    ...(workspace.badge.word === 'Offline' ? { sub: 'Saved on this device, sent when the server is reached.' } : {}),
    act: { label: 'Undo', run: () => void takeBack(workspace, toasts, ids) },
  })
  return undefined
}

const takeBack = async (workspace: Workspace, toasts: Toasts, ids: readonly number[]): Promise<void> => {
  for (const id of ids) {
    const undone = await workspace.edits.undo(id)
    if (!undone.ok) {
      toasts.show('Not taken back.', { sub: undone.error.text })
      return
    }
  }
  toasts.show('Taken back.')
}
