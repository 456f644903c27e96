// The same key as in client/screens/theme.svelte.ts.
try {
  const theme = localStorage.getItem('quartermaster-theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // A browser that keeps nothing shows the system's theme.
}
