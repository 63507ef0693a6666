// Every text that a visitor reads comes from here, with times, sizes and numbers in their language.

/** @type {Record<string, string>} */
const texts = {
  inbox: 'Inbox',
  live: 'Live',
  connecting: 'Connecting…',
  retry: 'Reconnecting…',
  off: 'Offline',
  copy: 'Copy',
  notCopied: 'Not copied: select it by hand',
  close: 'Close',
  undo: 'Undo',
  retryNow: 'Try again',
  left: '{time} left',
  timeLeft: 'Time left',
  until: 'until {time}',
  expired: 'Expired',
  now: 'now',

  yourAddress: 'Your throwaway address',
  inboxesHere: 'Inboxes in this browser',
  copyAddress: 'Copy address',
  addressCopied: 'Address copied',
  phone: 'Phone',
  openOnPhone: 'Open on your phone',
  new: 'New',
  newAddress: 'New address',
  delete: 'Delete',
  deleteInbox: 'Delete this inbox',
  extend: 'Add 1 hour',
  extended: 'Added 1 hour: open until {time}',
  extendedLess: 'An inbox lives no longer than its plan allows: open until {time}',
  extendedNot: 'This inbox already lives as long as its plan allows: until {time}',
  minutesLeft_one: 'One minute left. Press Add 1 hour to keep this inbox.',
  minutesLeft_other: '{n} minutes left. Press Add 1 hour to keep this inbox.',

  searchMail: 'Search mail',
  clearSearch: 'Clear search',
  noMatch: 'Nothing matches “{query}”.',
  noMail: 'No mail yet.',
  loading: 'Loading…',
  older: 'Show older mail',
  messages_one: '{n} message',
  messages_other: '{n} messages',
  messagesMore: '{n} newest messages',
  unreadCount: '{n} unread',
  unread: 'Unread.',
  unverified: 'Unverified sender.',
  attachments_one: '{n} attachment.',
  attachments_other: '{n} attachments.',
  shortcuts: 'Shortcuts',
  codeCopied: 'Code copied',
  notify: 'Notify me about new mail',
  notifyOn: 'You will be told about new mail',
  notifyOff: 'You will not be told about new mail any more',
  notifyBlocked: 'Notifications are blocked for this site; your browser’s settings change that',
  notifyNone: 'This browser has no notifications',
  arrived: 'New message from {from}: {subject}',
  arrivedCode: 'New message from {from}: {subject}. Code {code}',
  arrivedMany: '{n} new messages',

  noSubject: '(no subject)',
  nobody: '(no sender)',
  back: 'Back to inbox',
  newer: 'Newer message',
  olderMessage: 'Older message',
  download: 'Download as .eml',
  deleteMessage: 'Delete message',
  messageDeleted: 'Message deleted',
  messageGone: 'This message is gone',
  messageGoneWhy: 'It was deleted, here or on another device.',
  messageFailed: 'This message cannot be shown right now',
  verified: 'Sent by {domain}',
  verifiedWhy: 'DMARC passed: the mail is from the domain that it shows.',
  forged: 'Sender not verified',
  unchecked: 'No sender check',
  uncheckedWhy: 'The sender’s domain has no policy, or it could not be asked for.',
  phishing: 'Looks like phishing.',
  phishingDmarc: 'The mail is not from {domain}, whatever it says (DMARC failed).',
  phishingLink: 'A link shows {shown} but opens {host}.',
  code: 'Verification code',
  copyTheCode: 'Copy code',
  link_confirm: 'Confirmation link',
  link_sign_in: 'Sign-in link',
  link_reset: 'Link to reset a password',
  link_invite: 'Invitation',
  opens: 'opens',
  openLink: 'Open link',
  copyLink: 'Copy link',
  linkCopied: 'Link copied',
  attachmentList: 'Attachments',
  blockedKind: 'blocked: may be harmful',
  blockedWhy:
    'Programs and other dangerous files are not handed out. The .eml has all of the mail.',
  downloadFailed: 'That could not be downloaded',
  imagesBlocked: 'Remote images are blocked, so that the sender cannot see that you opened this.',
  showImages: 'Show images',
  views: 'Views of this message',
  html: 'Message',
  text: 'Text',
  headers: 'Headers',
  source: 'Source',
  preview: 'Preview',
  widthFull: 'Full width',
  widthTablet: 'Tablet width',
  widthPhone: 'Phone width',
  darken: 'Darken message',
  messageFrom: 'Message from {from}',
  empty: 'This message is empty.',
  sourceCut: 'Only the beginning is shown. The .eml has all of it.',
  pick: 'Pick a message',
  pickHow: 'Or press j to start from the newest.',
  waiting: 'Waiting for mail',
  waitingWhy:
    'Paste the address wherever you need it. New mail appears here by itself, usually within a second of being sent.',
  sendTest: 'Send me a test',
  fromScript: 'From a script',

  qrWhy:
    'Scan it with your phone’s camera. Anyone with this code or link can read this inbox until it ends, in {time}.',
  qrAlt: 'QR code with a private link to this inbox',
  qrAccount: 'This inbox belongs to your account: sign in on your phone to open it there.',
  qrFailed: 'The code could not be made; the link below opens the same inbox.',
  privateLink: 'Private link',
  copyPrivateLink: 'Copy private link',
  privateLinkCopied: 'Private link copied',
  newWhy: 'The current inbox stays in your list until it ends.',
  deleteAsk: 'Delete this inbox?',
  deleteWhy: '{address} and all of its mail go away for good, and the address stops taking mail.',
  keep: 'Keep it',
  inboxDeleted: 'Inbox deleted',
  keyboard: 'Keyboard shortcuts',
  singleKeys: 'Use single-key shortcuts',
  keyCopy: 'Copy address',
  keyCode: 'Copy newest code',
  keyNext: 'Next message',
  keyPrevious: 'Previous message',
  keySearch: 'Search',
  keyDelete: 'Delete message',
  keyNew: 'New address',
  keyQr: 'QR code',
  keyViews: 'Message views',
  keyBack: 'Back to list',
  keyExtend: 'Add an hour',
  keyList: 'This list',

  getNewAddress: 'Get a new address',
  making: 'Making…',
  tryAgainIn: 'Try again in {time}',
  wrongTaken: 'That name is taken or reserved. Choose another, or leave it empty for a random one.',
  wrongName: 'That cannot be a name: {why}',
  wrongLimit:
    'There are as many inboxes as your network may have. Delete one, or wait for one to end.',
  wrongRate: 'Too many requests from your network.',
  wrongOffline: 'The service cannot be reached. Check your connection.',
  wrongBusy: 'The service cannot do that right now.',
  wrongOther: 'That did not work: {why}',

  endedTitle: 'This inbox has expired',
  endedWhy: 'Its address no longer accepts mail, and its messages have been deleted.',
  goneTitle: 'This inbox is gone',
  goneWhy: 'It was deleted, here or on another device, and its messages with it.',
  refusedTitle: 'This inbox cannot be opened',
  refusedWhy: 'The link or what this browser remembers does not open it.',
  failedTitle: 'Your mail cannot be loaded',
  failedWhy: 'The service does not answer. This page keeps trying.',
  linkAsk: 'Open this inbox too?',
  linkWhy:
    'The link opens {address}. Whoever made it can read what comes there, so use the address only for what they may see.',
  notNow: 'Not now',
  openInbox: 'Open inbox',
  linkOpened: 'Inbox opened from a link',
  linkKnown: 'This inbox was already in this browser',
  linkBroken: 'That link is not complete',
  linkEnded: 'That link opens no inbox: it has expired or was deleted',
  forget: 'Remove from this browser',
  actionFailed: 'That did not work: {why}',
};

/** Add texts, of a page that has its own. @param {Record<string, string>} more */
export const words = (more) => Object.assign(texts, more);

const language = document.documentElement.lang || 'en';
const plurals = new Intl.PluralRules(language);

/**
 * A text in the visitor's language.
 * @param {string} key with `n` given, the form for so many
 * @param {Record<string, any>} [values] what stands for {names} in it
 */
export function t(key, values = {}) {
  const form = typeof values.n === 'number' ? `${key}_${plurals.select(values.n)}` : key;
  const text = texts[form] ?? texts[`${key}_other`] ?? texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
}

const relative = new Intl.RelativeTimeFormat(language, { style: 'narrow', numeric: 'auto' });
const clock = new Intl.DateTimeFormat(language, {
  hour: '2-digit',
  minute: '2-digit',
  hour12: false,
});
const full = new Intl.DateTimeFormat(language, {
  dateStyle: 'medium',
  timeStyle: 'short',
  hour12: false,
});

/** @param {number} ms since the epoch */
export const atClock = (ms) => clock.format(ms);
/** @param {number} ms since the epoch */
export const atFull = (ms) => full.format(ms);

/** How long ago. @param {number} ms since the epoch @param {number} now */
export function ago(ms, now) {
  const seconds = Math.round((ms - now) / 1000);
  if (seconds > -45) return t('now');
  if (seconds > -3600) return relative.format(Math.round(seconds / 60), 'minute');
  if (seconds > -86400) return atClock(ms);
  return relative.format(Math.round(seconds / 86400), 'day');
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** @param {number} seconds as a clock shows them */
export function hms(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
}
