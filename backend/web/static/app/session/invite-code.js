/** The code in what was typed, which may be the whole link of an invite. @param {string} typed */
export function inviteCode(typed) {
  return (
    typed
      .trim()
      .split(/[/?#=]/)
      .filter(Boolean)
      .at(-1) ?? ''
  );
}
