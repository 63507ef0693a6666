// Three ways to hear of events: server-sent events, a WebSocket, long polls.
//
// Each is a function that runs as long as the channel lives, tells of every event, and throws why
// it ended.  The token goes in a header, or as a ticket that is good once: never in an address.

import { api, ask } from './api.js';

/**
 * @typedef {{event: string, seq?: number, message_id?: string | null}} Event
 * @typedef {{address: string, token: string | null, after: () => number, signal: AbortSignal,
 *   opened: () => void, heard: () => void, tell: (event: Event) => void}} Ear
 */

const FIRST_SECONDS = 8; // in which something must come, or a proxy holds it back
const SILENT_SECONDS = 50; // the service pings every 20

/** Nothing comes through, though somebody answers. */
export class Silent extends Error {}

/** Aborts when nothing has come for some seconds. @param {AbortSignal} outer */
function watchdog(outer) {
  const inner = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const heard = (/** @type {number} */ seconds) => {
    clearTimeout(timer);
    timer = setTimeout(() => inner.abort(new Silent()), seconds * 1000);
  };
  const signal = AbortSignal.any([outer, inner.signal]);
  return { signal, heard, done: () => clearTimeout(timer) };
}

/** @param {Ear} ear */
const path = (ear) => `/mailboxes/${encodeURIComponent(ear.address)}`;

/** Server-sent events, read by fetch: an EventSource can send no header. @param {Ear} ear */
export async function serverSentEvents(ear) {
  const dog = watchdog(ear.signal);
  dog.heard(FIRST_SECONDS);
  try {
    const answer = await ask('GET', `${path(ear)}/events`, {
      token: ear.token,
      signal: dog.signal,
      headers: { Accept: 'text/event-stream', 'Last-Event-ID': String(ear.after()) },
    });
    if (!answer.body) throw new Silent();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (let first = true; ; first = false) {
      const { value, done } = await reader.read();
      if (done) return;
      if (first) ear.opened();
      dog.heard(SILENT_SECONDS);
      ear.heard();
      const blocks = (text + value).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block);
        if (data) ear.tell(JSON.parse(data[1]));
      }
    }
  } catch (error) {
    throw dog.signal.aborted ? dog.signal.reason : error;
  } finally {
    dog.done();
  }
}

/** @param {Ear} ear */
export async function webSocket(ear) {
  const { ticket } = await api('POST', '/tickets', { token: ear.token, signal: ear.signal });
  const where = new URL(`/ws/inbox/${encodeURIComponent(ear.address)}`, location.href);
  where.protocol = where.protocol.replace('http', 'ws');
  where.search = new URLSearchParams({ ticket, after: String(ear.after()) }).toString();
  const dog = watchdog(ear.signal);
  dog.heard(FIRST_SECONDS);
  const socket = new WebSocket(where);
  try {
    await new Promise((done, fail) => {
      let open = false;
      dog.signal.addEventListener('abort', () => fail(dog.signal.reason));
      socket.onopen = () => {
        open = true;
        ear.opened();
        dog.heard(SILENT_SECONDS);
      };
      socket.onmessage = (message) => {
        dog.heard(SILENT_SECONDS);
        ear.heard();
        ear.tell(JSON.parse(message.data));
      };
      socket.onclose = () => (open ? done(undefined) : fail(new Silent()));
    });
  } finally {
    dog.done();
    socket.close();
  }
}

/** @param {Ear} ear */
export async function longPolls(ear) {
  let after = ear.after();
  for (let seconds = 1; ; seconds = 20) {
    const dog = watchdog(ear.signal);
    dog.heard(SILENT_SECONDS);
    try {
      const answer = await ask(
        'GET',
        `${path(ear)}/messages/wait?after=${after}&timeout=${seconds}`,
        {
          token: ear.token,
          signal: dog.signal,
        },
      );
      ear.opened();
      ear.heard();
      after = Number(answer.headers.get('Tempmail-After') ?? after);
      if (answer.status === 200) ear.tell({ event: 'new_message', seq: after });
    } finally {
      dog.done();
    }
  }
}
