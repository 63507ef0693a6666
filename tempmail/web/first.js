// Runs in the document's head, before anything is painted: no flash of another theme or view, and
// the token of an opened link is out of the address bar and the history at once.
if (location.hash.startsWith('#k=')) {
  window.openedLink = location.hash;
  history.replaceState(null, '', location.pathname);
}
{
  const root = document.documentElement;
  try {
    const theme = localStorage.getItem('theme');
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
    if (root.dataset.page === 'inbox' && (window.openedLink || localStorage.getItem('inboxes'))) {
      root.dataset.view = 'inbox';
    }
  } catch {
    // Storage is closed to us.
  }

  /** Change to the other theme, and remember it. */
  const switchTheme = () => {
    const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
    const theme = (root.dataset.theme ?? system) === 'dark' ? 'light' : 'dark';
    root.dataset.theme = theme;
    // The API's page has no scripts, so there the server has to know.
    // biome-ignore lint/suspicious/noDocumentCookie: not every browser has the Cookie Store API
    document.cookie = `theme=${theme}; Path=/docs/api; SameSite=Strict; Max-Age=31536000`;
    try {
      localStorage.setItem('theme', theme);
    } catch {
      // It lasts as long as the page.
    }
  };
  addEventListener('click', (event) => {
    if (event.target instanceof Element && event.target.closest('#theme')) switchTheme();
  });
  addEventListener('storage', (event) => {
    if (event.key === 'theme' && event.newValue) root.dataset.theme = event.newValue;
  });
}
