interface Window {
  /** The fragment of the link that opened the page, see first.js. */
  openedLink?: string;
}
