/** Lets a button turn light into dark and back; the choice outlives the page where the browser keeps such things. */
export function listenForTheme(): void {
  const button = document.querySelector<HTMLButtonElement>('#theme');
  if (!button) return;
  button.hidden = false;
  const prefersDark = matchMedia('(prefers-color-scheme: dark)');
  const isDark = (): boolean => {
    const { theme } = document.documentElement.dataset;
    return theme === undefined || theme === '' ? prefersDark.matches : theme === 'dark';
  };
  const show = (): void => {
    button.textContent = isDark() ? 'Light' : 'Dark';
    button.setAttribute('aria-label', isDark() ? 'Use light colours' : 'Use dark colours');
  };
  button.addEventListener('click', () => {
    const theme = isDark() ? 'light' : 'dark';
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem('qapi-ts-theme', theme);
    } catch {
      // It is then chosen for this page only.
    }
    show();
  });
  prefersDark.addEventListener('change', show);
  show();
}
