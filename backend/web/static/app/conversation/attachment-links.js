// The addresses under which files can be shown. The server signs each for five minutes, since an <img> sends no token.

import { api } from '../chat.js';

/** An address is used for so long: the rest of its time is for what is on the way. */
const MARGIN = 30_000;

/** @type {Map<string, {link: Promise<string>, until: number}>} */
const links = new Map();

/**
 * An address of a file, or of its thumbnail. With `isNew`, an address that was given before is not used again.
 * @param {number} id
 * @param {{isThumbnail?: boolean, isNew?: boolean}} [options]
 * @returns {Promise<string>}
 */
export function attachmentLink(id, { isThumbnail = false, isNew = false } = {}) {
  const path = `/api/chat/attachments/${id}/link${isThumbnail ? '?thumbnail=true' : ''}`;
  const known = links.get(path);
  if (known && !isNew && known.until > Date.now()) return known.link;
  const entry = { link: request(), until: Infinity };
  links.set(path, entry);
  entry.link.catch(() => links.delete(path));
  return entry.link;

  async function request() {
    const { url, expires_in: seconds } = await api.get(path);
    entry.until = Date.now() + seconds * 1000 - MARGIN;
    return url;
  }
}

/** Save a file. @param {{id: number, filename: string}} attachment */
export async function download({ id, filename }) {
  const link = document.createElement('a');
  link.href = await attachmentLink(id);
  link.download = filename;
  link.click();
}
