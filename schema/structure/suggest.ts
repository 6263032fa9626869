/** Longer words are compared no further: no name of Kubernetes is longer. */
const MAX_COMPARED = 64;
/** Words compared for one suggestion; more cost time that a suggestion is not worth. */
const MAX_CANDIDATES = 100;

/** Edits (insert, delete, replace, swap of neighbours) that turn `left` into `right`. */
function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const current = [i];
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1];
      let cost = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      if (swapped) cost = Math.min(cost, beforePrevious[j - 2]! + 1);
      current.push(cost);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[right.length]!;
}

function folded(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, "");
}

/** The one of `words` that `word` was probably meant to be, or undefined. */
export function suggestWord(word: string, words: Iterable<string>): string | undefined {
  if (word.length > MAX_COMPARED || word === "") return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 0.5;
  let compared = 0;
  for (const candidate of words) {
    if (candidate.length > MAX_COMPARED || compared++ >= MAX_CANDIDATES) continue;
    const same = folded(word) === folded(candidate);
    const plural = folded(word) === `${folded(candidate)}s` || `${folded(word)}s` === folded(candidate);
    const distance = same ? 0 : plural ? 0.5 : editDistance(word, candidate);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}
