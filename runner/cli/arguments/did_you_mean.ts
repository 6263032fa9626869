/** The edits (a letter added, left out, changed, or swapped with its neighbour) between two words. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j]!, before[j - 2]! + 1);
      }
    }
    before = above;
    above = row;
  }
  return above[b.length]!;
}

/** The word that was probably meant; undefined when none is near, or none longer starts with it. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const extended = words.filter((candidate) => word.length >= 2 && candidate.startsWith(word));
  if (extended.length === 1) return extended[0];
  const allowed = word.length <= 2 ? 0 : word.length <= 5 ? 1 : 2;
  const [best] = words
    .map((candidate) => ({ candidate, edits: distance(word.slice(0, 64), candidate) }))
    .filter(({ edits }) => edits <= allowed)
    .sort((a, b) => a.edits - b.edits);
  return best?.candidate;
}

/** `Did you mean "…"?`, or what is said when nothing is near. */
export function didYouMean(word: string, words: readonly string[], otherwise: string): string {
  const meant = nearest(word, words);
  return meant === undefined ? otherwise : `Did you mean "${meant}"?`;
}
