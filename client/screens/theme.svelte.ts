/** Light, dark, or as the system has it; kept in this browser. */
export const themes = ['system', 'light', 'dark'] as const
export type ThemeName = (typeof themes)[number]

export interface Theme {
  readonly name: ThemeName
  set(name: ThemeName): void
}

const key = 'quartermaster-theme'

export const createTheme = (root: HTMLElement, storage: Pick<Storage, 'getItem' | 'setItem'>): Theme => {
  const kept = storage.getItem(key)
  let name = $state<ThemeName>(themes.find((theme) => theme === kept) ?? 'system')
  const show = (): void => {
    if (name === 'system') delete root.dataset['theme']
    else root.dataset['theme'] = name
  }
  show()
  return {
    get name() {
      return name
    },
    set: (wanted) => {
      name = wanted
      storage.setItem(key, wanted)
      show()
    },
  }
}
