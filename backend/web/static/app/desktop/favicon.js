const SIZE = 64;

/** The icons of the page, as they were without a badge. @type {HTMLLinkElement[]} */
let originals;
/** @type {HTMLLinkElement} */
let link;

let number = 0;

/** Show the logo with the number of unread messages as the icon of the page; without one, the logo alone. @param {number} count */
export async function drawBadge(count) {
  originals ??= [...document.querySelectorAll('link[rel~=icon]')];
  number += 1;
  const mine = number;
  if (!count) {
    link?.remove();
    document.head.append(...originals);
    return;
  }
  const logo = new Image();
  logo.src = '/static/logo.svg';
  await logo.decode();
  if (number !== mine) return; // a later count is shown already
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIZE;
  const context = canvas.getContext('2d');
  context.drawImage(logo, 0, 0, SIZE, SIZE);
  const text = count > 99 ? '99+' : String(count);
  const radius = 21;
  const width = Math.max(2 * radius, 16 + text.length * 18);
  context.beginPath();
  context.roundRect(SIZE - width, SIZE - 2 * radius, width, 2 * radius, radius);
  context.fillStyle = '#bd2636';
  context.fill();
  context.fillStyle = '#fff';
  context.font = `700 ${text.length > 2 ? 26 : 34}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(text, SIZE - width / 2, SIZE - radius + 2);
  link ??= Object.assign(document.createElement('link'), { rel: 'icon', type: 'image/png' });
  link.href = canvas.toDataURL('image/png');
  for (const each of originals) each.remove();
  document.head.append(link);
}
