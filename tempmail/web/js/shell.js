// What every page has: the switch between the light and the dark theme.

const root = document.documentElement;

/** Change to the other theme, and remember it. */
function switchTheme() {
  const dark = root.dataset.theme
    ? root.dataset.theme === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  try {
    localStorage.setItem('theme', root.dataset.theme);
  } catch {
    // Storage is closed to us: it lasts as long as the page.
  }
  // The API's page has no scripts, so there the server has to know.
  // biome-ignore lint/suspicious/noDocumentCookie: not every browser has the Cookie Store API
  document.cookie = `theme=${root.dataset.theme}; Path=/docs/api; SameSite=Strict; Max-Age=31536000`;
}

document.getElementById('theme')?.addEventListener('click', switchTheme);
addEventListener('storage', (event) => {
  if (event.key === 'theme' && event.newValue) root.dataset.theme = event.newValue;
});
