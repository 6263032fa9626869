/**
 * Replaces `$(NAME)` by what `lookup` gives, and `$$` by `$`; what has no value and what is no reference stays as it is.
 * What is put in is not looked through again.
 * https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 *
 * @param limit The longest answer, in UTF-16 units: each reference can multiply the text.
 * @returns The text, or undefined where it would be longer than the limit.
 */
export function expandVariables(
  text: string,
  lookup: (name: string) => string | undefined,
  limit = Infinity,
): string | undefined {
  const lastClosing = text.lastIndexOf(")");
  let expanded = "";
  let copied = 0;
  for (let at = text.indexOf("$"); at >= 0; at = text.indexOf("$", copied)) {
    expanded += text.slice(copied, at);
    const next = text[at + 1];
    if (next === "$") {
      expanded += "$";
      copied = at + 2;
    } else if (next === "(" && at < lastClosing) {
      const closing = text.indexOf(")", at);
      expanded += lookup(text.slice(at + 2, closing)) ?? text.slice(at, closing + 1);
      copied = closing + 1;
    } else {
      expanded += "$";
      copied = at + 1;
    }
    if (expanded.length > limit) return undefined;
  }
  expanded += text.slice(copied);
  return expanded.length > limit ? undefined : expanded;
}
